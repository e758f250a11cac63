"""The names that the package offers, and that paths may be plain strings wherever it takes one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nst3d

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "nst3d"

DOORS = ("load_", "save_", "is_", "open_", "show_", "run_", "fetch_", "find_weights", "kind_of")
"""What functions are called that callers from outside hand paths to."""
INNER = {
    # parts of a format that are handed on by its own loader or saver, and take what that has made
    "formats/nerfstudio/config.py", "formats/nerfstudio/checkpoint.py", "formats/nerfstudio/run.py",
    "formats/splats/sog_parts.py", "formats/fields/own.py", "formats/fields/plenoxels.py",
    # a job's own files
    "stylize/checkpoint.py",
    # bridges, which jobs call with what they hold
    "integrations/nerfstudio/open_run.py", "integrations/open3d/view.py",
}  # fmt: skip


def answer(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FOLDERS = sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file())
MODULES = sorted(p.stem for p in PACKAGE.glob("*.py") if p.stem != "__init__")


def test_no_public_name_is_a_module_too() -> None:
    """`from nst3d import name` would give whichever was imported first."""
    assert not set(nst3d.__all__) & {*FOLDERS, *MODULES}


@pytest.mark.parametrize("first", ["names", "modules"])
def test_public_names_do_not_depend_on_what_was_imported_before(first) -> None:
    modules = f"import importlib\nfor m in {FOLDERS + MODULES}: importlib.import_module('nst3d.' + m)"
    names = "\n".join(f"from nst3d import {name}" for name in nst3d.__all__)
    homes = "\n".join(
        f"assert {name} is importlib.import_module({nst3d._HOMES[name]!r}).{name}" for name in nst3d.__all__
    )
    begin = [names, modules] if first == "names" else [modules, names]
    answer("\n".join([*begin, homes]))


def test_a_star_import_brings_all_names() -> None:
    answer(f"from nst3d import *\nassert set({nst3d.__all__}) <= set(globals())")


def test_functions_are_called_and_classes_made() -> None:
    data = {"BRIDGES"}
    assert all(callable(getattr(nst3d, name)) for name in nst3d.__all__ if name not in data)


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_type_checkers_and_python_see_the_same_names() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    branch = next(n for n in tree.body if isinstance(n, ast.If))
    imports = [n for n in branch.body if isinstance(n, ast.ImportFrom)]
    assert {a.name: n.module for n in imports for a in n.names} == nst3d._HOMES
    assert sorted(nst3d._HOMES) == nst3d.__all__


def test_functions_that_load_or_save_take_any_path() -> None:
    strict = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name in INNER or name.startswith("cli/"):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith(DOORS) and node.args.args:
                kind = node.args.args[0].annotation
                if kind is not None and ast.unparse(kind) == "Path":
                    strict.append(f"{name}: {node.name}")
    assert not strict
