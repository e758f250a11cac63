"""nst3d paint on splats and captures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_splats import ball

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.formats.captures.registry import save_transforms
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.io import read_image
from nst3d.renderers.splats import SplatRenderer
from nst3d.tensors import ImageSize

_SMALL = ("--iterations", "3", "--settings.output.frames", "4", "--settings.output.size", "48", "--quiet")


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    """A folder with ball.ply and capture/."""
    folder = tmp_path_factory.mktemp("sc ene")
    splats = ball(200)
    save_splats(folder / "ball.ply", splats, splats.colours, 1.0)
    target = np.array([2.0, 0, 1])
    poses = [
        look_at(target + d, target, np.array([0.0, -1, 0]))
        for d in ([0, 0, -3.0], [3.0, 0, 0], [2.0, 0, -2.0])
    ]
    cameras = [perspective(pose, ImageSize(48, 64), 0.9) for pose in poses]
    renderer = SplatRenderer(splats)
    images = (renderer.draw(camera, splats.colours, 1.0).over(0.5) for camera in cameras)
    save_transforms(folder / "capture", cameras, images, splits=["train"] * 3)
    return folder


def test_splats_are_painted_from_a_capture_s_cameras(nst3d, inputs, scene, tmp_path) -> None:
    out = tmp_path / "out"
    given = ("paint", scene / "ball.ply", "--style", inputs / "style.png", "--out", out)
    done = nst3d(*given, "--cameras", scene / "capture", "--keep-specular", "0.25", *_SMALL)
    assert (done.returncode, done.stderr) == (0, "")
    names = [Path(line).name for line in done.stdout.splitlines()]
    assert names == ["painted.ply", "sheet.png", "flight.mp4", "losses.csv", "config.yaml", "metrics.json"]
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["views"], metrics["iterations"], metrics["view_size"]) == (3, 3, [48, 64])
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert config["settings"]["keep_specular"] == 0.25
    assert config["settings"]["schedule"]["patience"] > 0  # default means the preset for captures
    before, after = load_splats(scene / "ball.ply"), load_splats(out / "painted.ply")
    assert np.allclose(after.harmonics[:, 1:], before.harmonics[:, 1:] * 0.25, atol=1e-6)
    assert read_image(out / "sheet.png").pixels.shape[1] == 4 * 48


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("capture", (), "make a scene from it first: nst3d reconstruct"),
        ("ball.ply", ("--cameras", "missing"), "missing: no such file"),
        ("ball.ply", ("--keep-specular", "2"), "--keep-specular is 2: expected a number from 0 to 1"),
        ("ball.ply", ("--settings.cache-gb", "-1"), "cache_gb is -1"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(nst3d, inputs, scene, tmp_path, name, options, says) -> None:
    out = tmp_path / "out"
    done = nst3d("paint", scene / name, "--style", inputs / "style.png", "--out", out, *options)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") <= 3  # what it was doing, and one line
    assert not out.exists()
