from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import cube, mesh_of, noise
from tiny_jobs import TINY, job, write_inputs

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.errors import ConfigError, InputError
from nst3d.formats.captures.registry import save_transforms
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.jobs.prepare import prepare
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.stylize.strokes import stroke_bands
from nst3d.tensors import ImageSize

PLACES = np.array([[3.0, 1, 1], [1, 3, 1], [1, 1, 3], [-2, 0.5, 0.5]])
"""Around the cube of `write_inputs`."""
UP = np.array([0.0, 1.0, 0.0])
KEYS = """
field_of_view: 60
size: {size}
keyframes:
  - {{position: [3, 0.5, 0.5], look_at: [0.5, 0.5, 0.5]}}
  - {{position: [0.5, 0.5, 3], look_at: [0.5, 0.5, 0.5], field_of_view: 50}}
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cube with its capture, keyframes and a style."""
    folder = write_inputs(tmp_path_factory.mktemp("inputs"))
    middle = load_mesh(folder / "cube.obj").frame.centre
    cameras = [
        perspective(look_at(p + middle, middle, UP), ImageSize(60, 80), 0.8 + 0.01 * k)
        for k, p in enumerate(PLACES)
    ]
    save_transforms(folder / "capture", cameras, (noise(60, 80, 3) for _ in cameras), up=UP)
    (folder / "keys.yaml").write_text(KEYS.format(size="64x32"))
    return folder


def rig_of(inputs: Path, cameras: str, config=TINY, scene: str = "cube.obj"):
    return prepare(inputs / scene, inputs / "style.png", config, cameras=inputs / cameras).subject.scene


def test_a_capture_paints_its_mesh(inputs) -> None:
    scene = rig_of(inputs, "capture")
    assert scene.rig.around == ()
    assert len(scene.rig.cameras) == len(PLACES)
    frame = scene.mesh.frame
    for camera, place in zip(scene.rig.cameras, PLACES):
        np.testing.assert_allclose(camera.position, place * frame.scale, atol=1e-6)
        np.testing.assert_allclose(camera.forward, -place / np.linalg.norm(place), atol=1e-6)
        assert camera.size == (36, 48)
    few = rig_of(inputs, "capture", replace(TINY, capture_views=2))
    assert len(few.rig.cameras) == 2


def test_a_camera_path_paints_with_its_keyframes(inputs) -> None:
    scene = rig_of(inputs, "keys.yaml")
    first, second = scene.rig.cameras
    np.testing.assert_allclose(first.forward, [-1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(second.forward, [0, 0, -1], atol=1e-9)
    assert first.size == (24, 48)
    assert second.focal == pytest.approx(12 / np.tan(np.radians(25)))
    frames = [{"camera_to_world": [*np.eye(4).ravel().tolist()[:11], 3.0, 0, 0, 0, 1], "fov": 60}]
    (inputs / "path.json").write_text(json.dumps({"camera_path": frames}))
    (only,) = rig_of(inputs, "path.json").rig.cameras
    np.testing.assert_allclose(only.forward, [0, 0, -1], atol=1e-9)


def test_pixels_of_a_camera_twice_as_far_are_twice_as_large(inputs) -> None:
    """Each sees nothing but the cube's side at x = 1, from 0.5 and from 1."""
    keys = "".join(f"  - {{position: [{x}, 0.5, 0.5], look_at: [0, 0.5, 0.5]}}\n" for x in (1.5, 2.0))
    (inputs / "apart.yaml").write_text(f"field_of_view: 40\nsize: 64x64\nkeyframes:\n{keys}")
    made = prepare(inputs / "cube.obj", inputs / "style.png", TINY, cameras=inputs / "apart.yaml")
    stage = made.subject.stage(1.0)
    near, far = (stage.footprint(view) for view in (0, 1))
    pixel = 2 * np.tan(np.radians(20)) / stage.cameras[0].size.width * made.subject.scene.mesh.frame.scale
    torch.testing.assert_close(near, torch.full_like(near, 0.5 * pixel), rtol=1e-4, atol=0)
    torch.testing.assert_close(far, torch.full_like(far, 1.0 * pixel), rtol=1e-4, atol=0)
    (one,), (other,) = stroke_bands(stage)
    assert one.scale == 2 * other.scale
    around = prepare(inputs / "cube.obj", inputs / "style.png", TINY).subject.stage(1.0)
    assert around.footprint is None


def test_narrow_views_are_made_large_enough(inputs) -> None:
    (inputs / "narrow.yaml").write_text(KEYS.format(size="160x20"))
    made = prepare(inputs / "cube.obj", inputs / "style.png", TINY, cameras=inputs / "narrow.yaml")
    made.canvas(made.config.schedule.stages[0].size / made.config.schedule.finest)
    assert min(made.subject.scene.rig.cameras[0].size) >= 16


def test_a_painting_shows_the_given_cameras(inputs, tmp_path) -> None:
    result = run_job(job(inputs, tmp_path / "out", TINY, cameras=inputs / "keys.yaml"))
    assert result.metrics["views"] == 2
    assert result.metrics["views_inside"] == 0
    assert 0.1 < result.metrics["coverage"] < 0.6
    assert any("no camera sees" in note for note in result.metrics["notes"])


def test_what_fits_no_mesh_is_said(inputs) -> None:
    (inputs / "away.yaml").write_text("keyframes: [{position: [0, 0, 9], look_at: [0, 0, 99]}]")
    with pytest.raises(ConfigError, match=r"no camera of `cameras` sees the mesh"):
        rig_of(inputs, "away.yaml")
    with pytest.raises(InputError, match=r"none\.yaml: no such file"):
        rig_of(inputs, "none.yaml")
    with pytest.raises(InputError, match=r"none: no such file or folder"):
        rig_of(inputs, "none")
    mesh = mesh_of(cube())
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
    save_mesh(inputs / "cube.glb", mesh, paint, noise(paint.num_colours, 3))
    with pytest.raises(InputError, match=r"cube\.glb: lacks the transform"):
        rig_of(inputs, "capture", scene="cube.glb")
    assert len(rig_of(inputs, "keys.yaml", scene="cube.glb").rig.cameras) == 2
