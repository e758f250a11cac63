"""The rules that keep the package in shape: who imports whom, how long things are, what is documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "nst3d"
FILES = sorted(PACKAGE.rglob("*.py"))

EVERYWHERE = {"tensors", "errors", "files", "kernels", "bounds", "plugins"}
"""The files at the top of the package, which all folders may import."""

ALLOWED: dict[str, set[str]] = {
    "cameras": set(),
    "features": set(),
    "images": set(),
    "operators": set(),
    # images for the sRGB curve: base colours multiply in linear light; a capture and a field remember their cameras
    "representations": {"images", "cameras"},
    "losses": {"features"},
    "renderers": {"representations", "cameras", "operators"},
    "stylize": {"cameras", "operators", "features", "losses", "images"},
    "formats": {"representations", "cameras", "images"},
    "video": {"images"},  # below the pipeline, which writes a run's turntable through it
    "metrics": {"images", "cameras", "features"},  # compares pictures, whatever made them
    # beside stylize: what it makes is a representation that the renderers show, whose marching it shares
    "reconstruct": {"representations", "cameras", "renderers", "images"},
    "pipeline": {  # a folder: as one file it would pass 300 lines
        "cameras", "features", "formats", "images", "losses", "metrics", "operators", "reconstruct", "renderers",
        "representations", "stylize", "video",
    },
    # Bridges to other people's packages, imported lazily; nothing below knows of them.
    "integrations": {
        "cameras", "formats", "images", "losses", "metrics", "operators", "pipeline", "reconstruct", "renderers",
        "representations", "stylize", "video",
    },
    # features for `nst3d weights`, which is no run; formats for the names of pictures that are not there.
    "cli": {"pipeline", "features", "formats", "integrations"},
}  # fmt: skip
"""Folder to the folders that it may import. The same table, with its reasons, is in docs/architecture.md."""

MAX_LINES, MAX_BODY, MAX_PARAMETERS = 300, 50, 8

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=FILES, ids=name_of)
def source(request) -> Path:
    return request.param


def folder_of(path: Path) -> str:
    """The folder of a file in the package; "" for the files at its top."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imported_modules(tree: ast.AST, path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it, with relative names made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(
                path.relative_to(ROOT).parent.parts[: None if node.level < 2 else 1 - node.level]
            )
            module = ".".join(filter(None, [package if node.level else "", node.module]))
            # `from nst3d import losses` names a folder, `from nst3d.losses import gram` does already.
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "nst3d" else [module]


def folders_imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = (m.split(".") for m in imported_modules(tree, path))
    return {m[1] for m in modules if m[0] == "nst3d" and len(m) > 1 and (PACKAGE / m[1]).is_dir()}


def test_imports_follow_the_table(source) -> None:
    folder = folder_of(source)
    allowed = ALLOWED.get(folder, set()) | {folder}
    if source == PACKAGE / "__init__.py":
        allowed = set(ALLOWED)
    forbidden = folders_imported(source) - allowed - EVERYWHERE
    assert not forbidden, f"{name_of(source)} imports {', '.join(sorted(forbidden))}"


def test_the_table_has_no_circles() -> None:
    done: set[str] = set()
    while len(done) < len(ALLOWED):
        ready = {f for f, uses in ALLOWED.items() if f not in done and uses <= done}
        assert ready, f"these import each other: {sorted(set(ALLOWED) - done)}"
        done |= ready


def test_the_table_is_the_one_in_the_docs() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| ?([\w, ]*)\|$", text, re.MULTILINE)
    documented = {folder: set(re.findall(r"\w+", uses)) for folder, uses in rows if folder != "folder"}
    assert documented == ALLOWED


def test_every_folder_is_in_the_table() -> None:
    folders = {p.name for p in PACKAGE.iterdir() if p.is_dir() and any(p.glob("*.py"))}
    assert folders <= set(ALLOWED)


def test_all_files_at_the_top_may_be_imported_everywhere() -> None:
    assert {p.stem for p in PACKAGE.glob("*.py")} - {"__init__"} == EVERYWHERE


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import nst3d.losses.gram", {"losses"}),
        ("from nst3d import losses, stylize", {"losses", "stylize"}),
        ("from nst3d.losses import gram", {"losses"}),
        ("def f():\n    from nst3d.cli.main import main", {"cli"}),
        ("from ..losses import gram", {"losses"}),
        ("from . import canvas", {"stylize"}),
        ("import numpy\nfrom nst3d.tensors import Array\nfrom nst3d import __version__", set()),
    ],
)
def test_imports_are_found_however_they_are_written(line, found, monkeypatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: line)
    assert folders_imported(PACKAGE / "stylize" / "engine.py") == found


def test_files_are_short(source) -> None:
    assert len(source.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def functions(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def test_function_bodies_are_short(source) -> None:
    for function in functions(source):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        lines = (function.end_lineno or 0) - body[0].lineno + 1 if body else 0
        assert lines <= MAX_BODY, f"{function.name} has {lines} lines"


def test_signatures_are_short(source) -> None:
    for function in functions(source):
        arguments = function.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        own = [n for n in names if n not in ("self", "cls")]
        assert len(own) <= MAX_PARAMETERS, f"{function.name} has {len(own)} parameters"


def public(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """The module's, its classes' and its functions' definitions that others may use."""
    yield prefix or "module", node
    for child in getattr(node, "body", []):
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_"):
            inner = public(child, f"{prefix}{child.name}.") if isinstance(child, ast.ClassDef) else iter(())
            yield from inner
            if not isinstance(child, ast.ClassDef):
                yield f"{prefix}{child.name}", child


def test_everything_public_is_documented(source) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    missing = [name for name, node in public(tree) if not ast.get_docstring(node)]
    assert not missing, f"without a docstring: {', '.join(missing)}"


def test_nothing_is_left_to_do(source) -> None:
    words = re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b", source.read_text(encoding="utf-8"))
    assert not words


def test_only_the_command_line_prints(source) -> None:
    if folder_of(source) == "cli":
        return
    tree = ast.parse(source.read_text(encoding="utf-8"))
    calls = [n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    assert "print" not in calls


def test_errors_are_not_swallowed(source) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    assert not [n.lineno for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.type is None]


def test_nothing_is_unpickled_or_evaluated(source) -> None:
    """What a file brings is never executed: torch.load reads weights only, YAML is loaded safely."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    modules = {m.split(".")[0] for m in imported_modules(tree, source)}
    text = source.read_text(encoding="utf-8").replace("from pickle import UnpicklingError", "")
    assert not modules & {"dill", "joblib", "shelve", "marshal"}
    assert not re.search(r"^\s*(?:import|from) pickle\b", text, re.MULTILINE)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        assert name not in ("eval", "exec", "yaml.load", "yaml.unsafe_load")
        if name == "torch.load":
            keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
            assert keywords.get("weights_only") == "True"
        if name in ("np.load", "numpy.load"):
            assert all(k.arg != "allow_pickle" for k in node.keywords)


def test_randomness_has_a_seed(source) -> None:
    """No global generators: the same seed gives the same bytes."""
    text = source.read_text(encoding="utf-8")
    assert not re.search(r"\bnp\.random\.(?!default_rng|Generator)", text)
    assert not re.search(r"default_rng\(\s*\)", text)
    assert not re.search(r"\btorch\.manual_seed\(|^import random$", text, re.MULTILINE)
