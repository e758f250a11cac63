"""What losses, guides and teachers of other packages may do wrong: one line each, and the rest works."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch

from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.losses import LOSSES, register_loss
from nst3d.operators import IdentityView
from nst3d.plugins import PluginWarning, Registry
from nst3d.stylize.coat import Coat
from nst3d.stylize.engine import Run
from nst3d.stylize.guides import GUIDES, register_guide
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.phases import Teach
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_scene import TableStage
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import TEACHERS, make_teacher, register_teacher
from nst3d.stylize.terms import Term
from nst3d.tensors import ImageSize

SORTS: dict[str, tuple[Registry[Any], str]] = {
    "losses": (LOSSES, "loss"),
    "guides": (GUIDES, "guide"),
    "teachers": (TEACHERS, "teacher"),
}
ROWS = {"losses": "LossKind", "guides": "GuideKind", "teachers": "TeacherKind"}


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Iterator[Callable[[str, str, str], Registry[Any]]]:
    """Installs a module with an entry point of a sort; returns the registry, as at the start of a process."""
    before = {sort: set(registry) for sort, (registry, _) in SORTS.items()}
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, sort: str, source: str) -> Registry[Any]:
        registry = SORTS[sort][0]
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[nst3d.{sort}]\n{name} = {name}_module:ROW\n")
        (tmp_path / f"{name}_module.py").write_text(source)
        monkeypatch.setattr(registry, "_complete", False)
        monkeypatch.setattr(registry, "_refusals", {})
        return registry

    yield install
    for sort, (registry, _) in SORTS.items():
        for name in set(registry) - before[sort]:
            registry.forget(name)
    for name in [
        n for n in sys.modules if n.endswith("_module") and n.startswith(("good", "broken", "twin"))
    ]:
        del sys.modules[name]


@pytest.mark.parametrize("sort", SORTS)
def test_one_that_cannot_be_imported_is_one_line_and_the_rest_works(installed, sort) -> None:
    installed(
        "good", sort, f"from nst3d import {ROWS[sort]}\nROW = {ROWS[sort]}('good', lambda given: None)\n"
    )
    registry = installed("broken", sort, "import none_such\n")
    line = (
        f"entry point 'broken' of broken (nst3d.{sort}) cannot be loaded: ModuleNotFoundError: No module named"
        " 'none_such'; pip install none_such, or pip uninstall broken"
    )
    with pytest.warns(PluginWarning) as caught:
        assert "good" in registry
    assert [str(w.message) for w in caught] == [line]
    with pytest.raises(MissingDependencyError) as refused:
        registry.get("broken")
    assert str(refused.value) == f"{SORTS[sort][1]} 'broken': {line}"
    if sort != "teachers":
        with pytest.raises(MissingDependencyError, match="pip install none_such"):
            Term("broken")


@pytest.mark.parametrize("sort", SORTS)
def test_an_installed_one_cannot_take_a_name_of_another(installed, sort) -> None:
    taken = {"losses": "gram", "guides": "gram", "teachers": "posterise"}[sort]
    registry = installed(
        "twin", sort, f"from nst3d import {ROWS[sort]}\nROW = {ROWS[sort]}('{taken}', None)\n"
    )
    with pytest.warns(PluginWarning, match=f"'{taken}'.* use another name") as caught:
        registry.rows()
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    assert LOSSES.get("gram").make is not None
    assert TEACHERS.get("posterise").make is not None


def test_names_are_taken_once() -> None:
    with pytest.raises(ConfigError, match=r"^loss 'gram' is already registered; use another name$"):
        register_loss("gram", lambda inputs: None)
    with pytest.raises(ConfigError, match=r"^teacher 'posterise' is already registered"):
        register_teacher("posterise", lambda options: None)
    with pytest.raises(ConfigError, match=r"^guide 'gram': there is a loss of that name; use another name$"):
        register_guide("gram", lambda inputs: None)
    with pytest.raises(ConfigError, match=r"^guide 'features': the name is that of all losses together"):
        register_guide("features", lambda inputs: None)
    register_guide("twice", lambda inputs: None)
    try:
        register_loss("twice", lambda inputs: None)
        with pytest.raises(ConfigError, match="term twice: both a loss and a guide have that name"):
            Term("twice")
        with pytest.raises(ConfigError, match=r"^guide 'twice' is already registered"):
            register_guide("twice", lambda inputs: None)
    finally:
        GUIDES.forget("twice")
        LOSSES.forget("twice")


def test_a_schedule_does_not_turn_a_goal_around() -> None:
    with pytest.raises(ConfigError, match=r"term gram: the factors of its schedule must be 0 or more"):
        Term("gram", schedule=((0.0, -3.0),))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gramm", r"loss or guide 'gramm' is not known; did you mean 'gram'\? Known are .*\bnnfm\b"),
        ("zzz", r"loss or guide 'zzz' is not known; known are consistency, content, contextual, covariance"),
    ],
)
def test_a_term_that_no_loss_has(name, says) -> None:
    with pytest.raises(ConfigError, match=says):
        Term(name)
    with pytest.raises(ConfigError, match=f"terms: {says}"):
        Recipe().with_terms({name: 1.0})


def test_a_teacher_that_is_not_known() -> None:
    with pytest.raises(ConfigError) as error:
        make_teacher("posterize", {})
    assert str(error.value) == (
        "teacher 'posterize' is not known; did you mean 'posterise'? Known are diffusion, identity, instant, lifted,"
        " magenta, microast, monge, multistyle, network, posterise, quilt, translate"
    )
    with pytest.raises(
        ConfigError, match="teacher posterise has no option 'level'; its options are: levels, lines"
    ):
        make_teacher("posterise", {"level": 3})


def taught(paint: Callable[[Sequence[torch.Tensor]], Any]) -> LinearCanvas:
    """A canvas of two views of 4 x 6 pixels that has learnt from a teacher."""

    class Painter:
        def teach(self, pictures, looks, styles):
            return paint(pictures)

    layout = Layout.of_images([ImageSize(4, 6)])
    views = [IdentityView(ImageSize(4, 6))] * 2
    canvas = LinearCanvas(
        torch.full((24, 3), 0.5), layout, lambda scale: TableStage(views=views, layout=layout)
    )
    for _ in Run(canvas, [Teach(Painter(), [Coat([Style((torch.full((16, 16, 3), 0.2),))])])]):
        pass
    return canvas


@pytest.mark.parametrize(
    ("paint", "says"),
    [
        (lambda p: p[:1], "teacher Painter returned 1 pictures for 2 views: expected one for each"),
        (lambda p: [*p, p[0]], "teacher Painter returned 3 pictures for 2 views: expected one for each"),
        (
            lambda p: [p[0], p[1][:3]],
            "teacher Painter returned 3 x 6 x 3 values for view 1: expected 4 x 6 x 3",
        ),
        (lambda p: [p[0][..., :1], p[1]], "returned 4 x 6 x 1 values for view 0: expected 4 x 6 x 3"),
        (
            lambda p: [q.permute(2, 0, 1) for q in p],
            "returned 3 x 4 x 6 values for view 0: expected 4 x 6 x 3",
        ),
        (lambda p: None, "teacher Painter returned NoneType: expected a list of pictures"),
        (
            lambda p: [(q * 255).byte() for q in p],
            "teacher Painter returned values from 127 to 127 for view 0: expected 0 to 1",
        ),
        (lambda p: [p[0], p[1] / 0], "teacher Painter returned values for view 1 that are not finite"),
    ],
)
def test_pictures_that_no_view_can_learn(paint, says) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        taught(paint)


def test_pictures_may_be_arrays_of_another_precision() -> None:
    canvas = taught(lambda pictures: [p.double().numpy() * 0 + 0.25 for p in pictures])
    torch.testing.assert_close(canvas.finest_colours(), torch.full((24, 3), 0.25), atol=1e-3, rtol=0)
