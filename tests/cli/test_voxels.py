"""Game voxels from the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from vox_samples import model, rgba, vox

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_magicavoxel_file_is_painted_and_shown(nst3d: Run, inputs: Path, tmp_path: Path) -> None:
    cells = np.argwhere(np.ones((6, 4, 9)))
    voxels = np.concatenate([cells, 1 + cells[:, 2:] // 3], axis=1)
    tower = tmp_path / "tower.vox"
    tower.write_bytes(
        vox(model((6, 4, 9), voxels), rgba({1: (200, 40, 30), 2: (240, 240, 230), 3: (30, 60, 160)}))
    )
    out = tmp_path / "out"
    tiny = ("--size", 64, "--iterations", 2, "--settings.rig.views", 4, "--settings.output.size", 64)
    tiny += ("--settings.output.frames", 4)
    done = nst3d("paint", tower, "--style", inputs / "style.png", "--out", out, *tiny)
    assert done.returncode == 0, done.stderr
    assert (out / "painted.glb").stat().st_size > 0
    picture = tmp_path / "painted.png"
    done = nst3d("render", out / "painted.vox", "--path", "orbit", "--out", picture, "--size", 64)
    assert done.returncode == 0, done.stderr
    assert np.ptp(np.asarray(Image.open(picture).convert("RGB"))) > 50
