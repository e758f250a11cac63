"""Captures made of a mesh, and what looking into a capture finds."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nst3d.cameras.lens import BrownConrady
from nst3d.cli.main import main
from nst3d.formats.captures.photos import load_alpha, load_photo
from nst3d.formats.captures.registry import load_capture
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.jobs.inspect import inspect_file
from nst3d.pipeline.jobs.make_capture import CaptureOptions, capture_mesh
from nst3d.tensors import ImageSize

SIZE = ImageSize(64, 80)


@pytest.fixture(scope="module")
def taken(scenes_dir, tmp_path_factory) -> Path:
    """Photographs of the lighthouse over sky blue."""
    options = CaptureOptions(views=24, size=SIZE, background=(0.4, 0.6, 0.9))
    folder = tmp_path_factory.mktemp("capture")
    return capture_mesh(scenes_dir / "lighthouse" / "lighthouse.glb", folder, options).parent


@pytest.fixture
def capture(taken, tmp_path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(taken, tmp_path / "copy"))


def test_a_capture_of_the_lighthouse(taken) -> None:
    capture = load_capture(taken)
    assert len(capture.photos) == 24
    assert len(capture.of("test")) == 3
    assert capture.up.tolist() == [0, 1, 0]
    assert capture.background is None
    photo = load_photo(capture.photos[5])
    assert photo.shape == (*SIZE, 3)
    np.testing.assert_allclose(photo[0, 0], [0.4, 0.6, 0.9], atol=0.003)
    assert 0.05 < (np.abs(photo - photo[0, 0]).max(-1) > 0.1).mean() < 0.5


def test_a_capture_with_alpha_and_a_lens(scenes_dir, tmp_path) -> None:
    """Every photograph shows the middle of the mesh where its camera projects it."""
    mesh = scenes_dir / "lighthouse" / "lighthouse.glb"
    options = CaptureOptions(views=3, size=SIZE, background=None, lens=BrownConrady(-0.3))
    path = capture_mesh(mesh, tmp_path / "bent", options)
    capture = load_capture(path)
    assert capture.background == (1, 1, 1)
    assert capture.photos[0].camera.lens == BrownConrady(-0.3)
    straight = load_capture(capture_mesh(mesh, tmp_path / "straight", replace(options, lens=None)))
    for bent, plain in zip(capture.photos, straight.photos):
        alpha = load_alpha(bent)
        y, x = np.nonzero(load_alpha(plain) > 0.99)
        rays = plain.camera.directions(np.stack([x, y], axis=-1) + 0.5)
        pixels, _ = bent.camera.project(plain.camera.position + rays)
        column, row = np.floor(pixels).astype(int).T
        assert (alpha[row, column] > 0.2).mean() > 0.98


def test_nothing_is_wrong_with_it(taken) -> None:
    report = inspect_file(taken)
    assert report.contents[0] == "kind: capture (transforms.json)"
    assert report.contents[1] == "photographs: 24, 80x64; 21 to train, 3 held out"
    assert "40 degrees, no distortion" in report.contents[2]
    assert report.contents[3].startswith("scene: unbounded, a ball of radius")
    assert "up: (0.00, 1.00, 0.00)" in report.contents
    assert report.problems == ()
    json.dumps(report.facts)
    assert report.facts["photographs"] == 24
    assert np.abs(report.facts["scene"]["centre"]).max() < 1e-6


def changed(capture: Path, name: str, change) -> None:
    write_image(capture / name, change(read_image(capture / name).pixels))


def test_a_jump_in_exposure_is_found(capture) -> None:
    changed(capture, "images/0007.png", lambda p: p * 0.6)
    (problem,) = inspect_file(capture).problems
    assert problem.startswith("images/0007.png: 1.6 stops darker than its neighbours")


def test_blur_is_found(capture) -> None:
    def blurred(pixels: np.ndarray) -> np.ndarray:
        for _ in range(4):
            padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
            pixels = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
        return pixels

    changed(capture, "images/0012.png", blurred)
    report = inspect_file(capture)
    (problem,) = report.problems
    assert problem.startswith("images/0012.png: blurred, ")
    assert report.contents[-1].startswith("least sharp beside their neighbours: images/0012.png")
    assert [p["name"] for p in report.facts["photos"] if p["blurred"]] == ["images/0012.png"]


def test_cameras_that_make_no_sense_are_found(capture) -> None:
    path = capture / "transforms.json"
    content = json.loads(path.read_text())
    turned, far = (np.array(content["frames"][i]["transform_matrix"]) for i in (3, 9))
    turned[:3, [0, 2]] *= -1
    far[:3, 3] *= 40
    content["frames"][3]["transform_matrix"] = turned.tolist()
    content["frames"][9]["transform_matrix"] = far.tolist()
    path.write_text(json.dumps(content))
    problems = inspect_file(path).problems
    assert problems[0] == "images/0004.png: points away from what the other cameras view"
    assert problems[1] == "images/0010.png: its camera is 40 times as far away as the others"


def test_lenses_used_beyond_what_they_are_true_for_are_found(capture) -> None:
    path = capture / "transforms.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"camera_model": "OPENCV", "k1": -3.0}))
    assert "24 photographs (images/0001.png …) extend beyond" in inspect_file(path).problems[0]


def test_the_command(capture, capsys) -> None:
    (capture / "images/0002.png").unlink()
    assert main(["inspect", str(capture)]) == 0
    told = capsys.readouterr().out
    assert "kind: capture (transforms.json)" in told
    assert "23 of 24 photographs found; missing: images/0002.png" in told
    assert main(["inspect", str(capture), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["photographs"] == 23


def test_the_fox(data_dir: Path) -> None:
    report = inspect_file(data_dir / "nerf" / "fox")
    assert report.contents[1] == "photographs: 50, 1080x1920; 43 to train, 7 held out"
    assert "BrownConrady lens k1 0.05784" in report.contents[2]
    assert report.contents[3].startswith("scene: unbounded, a ball of radius 2.01")
    assert len(report.problems) == 1
