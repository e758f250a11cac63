"""A small asset to paint, and the command line as a function and as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_meshes import cube, mesh_of, noise

from nst3d.cli.main import main
from nst3d.formats.mesh_files import save_mesh
from nst3d.images.io import write_image
from nst3d.representations.mesh import Material, Texture
from nst3d.representations.unwrap import TexelBudget, paint_textures

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """That of this process, with this checkout first and one thread: what is painted is tiny."""
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def process(environment: dict[str, str]) -> Run:
    """Runs the command line as a process; it takes 2 s to start, so few tests do."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nst3d.cli.main", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, cwd=ROOT, env=environment, check=False
        )

    return run


@pytest.fixture
def nst3d(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        capfd.readouterr()
        given = [str(a) for a in arguments]
        try:
            code = main(given)
        except SystemExit as stop:  # tyro's way to end
            code = int(stop.code or 0)
        return subprocess.CompletedProcess(given, code, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cube.glb, a textured cube, and style.png; its name has a space and an umlaut."""
    folder = tmp_path_factory.mktemp("in puts ä")
    material, texture = Material("checked", texture=0), Texture("checks", noise(64, 96, 3))
    mesh = mesh_of(cube(), materials=(material,), textures=(texture,))
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=96))
    save_mesh(folder / "cube.glb", mesh, paint, noise(paint.num_colours, 3))
    waves = np.sin(np.arange(96)[:, None, None] * [0.3, 0.5, 0.9] + np.arange(96)[None, :, None] * 0.2)
    write_image(folder / "style.png", waves / 2 + 0.5)
    return folder
