"""Registries: names, duplicates, and what installed packages offer through entry points."""

from __future__ import annotations

import sys
import types
import warnings
from dataclasses import dataclass
from importlib import metadata

import pytest

from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.plugins import PluginWarning, Registry, discover, rows_of

GROUP = "nst3d.tests"


@dataclass(frozen=True)
class Row:
    name: str
    value: int = 0


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a distribution with entry points, and a module that they name."""

    def install(distribution: str, points: str, source: str = "", group: str = GROUP) -> None:
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{points}\n")
        (tmp_path / f"{distribution.replace('-', '_')}.py").write_text(source)
        monkeypatch.delitem(sys.modules, distribution.replace("-", "_"), raising=False)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield install
    for name in [n for n, m in sys.modules.items() if str(tmp_path) in str(getattr(m, "__file__", ""))]:
        del sys.modules[name]


def test_things_are_found_by_name_in_alphabetical_order() -> None:
    registry: Registry[int] = Registry("number", GROUP)
    assert registry.register("two", 2) == 2
    registry.register("one", 1)
    assert registry.get("two") == 2
    assert list(registry) == ["one", "two"]
    assert dict(registry.rows()) == {"one": 1, "two": 2}
    assert len(registry) == 2
    assert "one" in registry
    assert "three" not in registry


def test_a_name_is_taken_once() -> None:
    registry: Registry[int] = Registry("number", GROUP)
    registry.register("one", 1)
    with pytest.raises(ConfigError, match=r"^number 'one' is already registered; use another name$"):
        registry.register("one", 2)
    assert registry.get("one") == 1
    registry.forget("one")
    assert registry.register("one", 2) == 2


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("thre", "number 'thre' is not known; did you mean 'three'? Known are one, three"),
        ("zzz", "number 'zzz' is not known; known are one, three"),
    ],
)
def test_an_unknown_name_lists_the_known_ones_and_the_nearest(name, line) -> None:
    registry: Registry[int] = Registry("number", GROUP)
    registry.register("one", 1)
    registry.register("three", 3)
    for ask in (registry.get, registry.forget):
        with pytest.raises(ConfigError) as error:
            ask(name)
        assert str(error.value) == line
    with pytest.raises(ConfigError, match=r"known are none$"):
        Registry("number", GROUP).get("one")


def test_own_modules_register_at_the_first_look_up(monkeypatch) -> None:
    registry: Registry[int] = Registry("number", GROUP, ("made_up_numbers",))
    imported = []

    def import_module(name: str) -> types.ModuleType:
        imported.append(name)
        assert len(registry) == 0  # a look-up from within is answered with what is there so far
        registry.register("one", 1)
        return types.ModuleType(name)

    monkeypatch.setattr("importlib.import_module", import_module)
    assert not imported
    assert registry.get("one") == registry.get("one") == 1
    assert imported == ["made_up_numbers"]


def test_a_name_that_a_module_of_nst3d_needs_is_refused_at_every_look_up(monkeypatch) -> None:
    registry: Registry[int] = Registry("number", GROUP, ("made_up_numbers",))
    registry.register("one", 7)
    monkeypatch.setattr("importlib.import_module", lambda name: registry.register("one", 1))
    for _ in range(2):
        with pytest.raises(ConfigError, match="number 'one' is already registered"):
            registry.get("one")


def test_installed_packages_add_things(installed) -> None:
    installed("pkg-b", "seven = pkg_b:SEVEN\neight = pkg_b:EIGHT", "SEVEN = 7\nEIGHT = 8")
    registry: Registry[int] = Registry("number", GROUP)
    registry.register("one", 1)
    assert dict(registry.rows()) == {"eight": 8, "one": 1, "seven": 7}


def test_nothing_is_imported_before_its_loader_is_called(installed) -> None:
    installed("pkg-b", "b = pkg_b:B\na = pkg_b:A", "A, B = 1, 2")
    found = list(discover(GROUP))
    assert [name for name, _ in found] == ["a", "b"]
    assert "pkg_b" not in sys.modules
    assert [load() for _, load in found] == [1, 2]


@pytest.mark.parametrize(
    ("offer", "names"),
    [
        ("offer = Row('a', 1)", ["a"]),
        ("def offer(): return Row('a')", ["a"]),
        ("def offer(): return [Row('a'), Row('b')]", ["a", "b"]),
        ("def offer():\n    yield Row('a')\n    yield Row('b')", ["a", "b"]),
        ("offer = (Row('b'), Row('a'))", ["a", "b"]),
    ],
)
def test_an_entry_point_is_a_row_or_makes_some(installed, offer, names) -> None:
    installed("pkg-rows", "rows = pkg_rows:offer", f"from {__name__} import Row\n{offer}")
    assert list(Registry("row", GROUP, unpack=rows_of(Row))) == names


@pytest.mark.parametrize("offer", ["offer = 7", "offer = ['a']", "def offer(): return None"])
def test_an_entry_point_that_offers_something_else_is_noted(installed, offer) -> None:
    installed("pkg-rows", "rows = pkg_rows:offer", offer)
    registry: Registry[Row] = Registry("row", GROUP, unpack=rows_of(Row))
    with pytest.warns(PluginWarning, match="'rows' of nst3d.tests: expected a Row, or a callable") as caught:
        assert list(registry) == []
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("source", "error", "remedy"),
    [
        (
            "import none_such.io",
            "ModuleNotFoundError: No module named 'none_such'",
            "pip install none_such",
        ),
        ("1 / 0", "ZeroDivisionError: division by zero", "pip install -U pkg-bad"),
        (
            "raise RuntimeError('two\\nlines')",
            "RuntimeError: two lines",
            "pip install -U pkg-bad",
        ),
        (
            "B = 1",
            "AttributeError: module 'pkg_bad' has no attribute 'A'",
            "pip install -U pkg-bad",
        ),
    ],
)
def test_an_entry_point_that_cannot_be_imported_gives_one_line(installed, source, error, remedy) -> None:
    installed("pkg-bad", "bad = pkg_bad:A", source)
    installed("pkg-good", "good = pkg_good:A", "A = 1")
    registry: Registry[int] = Registry("number", GROUP)
    line = f"entry point 'bad' of pkg-bad (nst3d.tests) cannot be loaded: {error}; {remedy}, or pip uninstall pkg-bad"
    with pytest.warns(PluginWarning) as caught:
        assert registry.get("good") == 1
    assert [str(w.message) for w in caught] == [line]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        assert list(registry) == ["good"]
        with pytest.raises(MissingDependencyError) as refused:
            registry.get("bad")
    assert str(refused.value) == f"number 'bad': {line}"


def test_an_entry_point_with_a_taken_name_is_noted_and_changes_nothing(installed) -> None:
    installed("pkg-twin", "one = pkg_twin:A", "A = 2")
    registry: Registry[int] = Registry("number", GROUP)
    registry.register("one", 1)
    with pytest.warns(PluginWarning, match="number 'one' is already registered"):
        assert registry.get("one") == 1


def test_all_entry_points_are_tried_where_warnings_are_errors(installed) -> None:
    installed("pkg-bad", "bad = pkg_bad:A", "1 / 0")
    installed("pkg-good", "good = pkg_good:A", "A = 1")
    registry: Registry[int] = Registry("number", GROUP)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginWarning):
            registry.get("good")
        assert registry.get("good") == 1


def test_an_entry_point_of_no_distribution_is_refused_in_one_line(monkeypatch) -> None:
    point = metadata.EntryPoint("a", "none_such_module:A", GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    ((name, load),) = discover(GROUP)
    assert name == "a"
    with pytest.raises(MissingDependencyError, match="entry point 'a' of an unknown package"):
        load()


REGISTRY: Registry[Row] = Registry("row", GROUP, unpack=rows_of(Row))


@pytest.mark.parametrize("point", ["pkg_self", "pkg_self:ROW"])
def test_a_module_may_register_its_own_by_a_call(installed, monkeypatch, point) -> None:
    source = f"from {__name__} import REGISTRY, Row\nROW = REGISTRY.register('a', Row('a'))"
    installed("pkg-self", f"a = {point}", source)
    monkeypatch.setattr(REGISTRY, "_complete", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(REGISTRY) == ["a"]
    REGISTRY.forget("a")
