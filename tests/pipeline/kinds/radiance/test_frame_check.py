"""Whether the cameras of another world are noticed, and those of the scene's own are left in peace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ball_field import CENTRE, ball_field
from trained_folder import write_trained_folder

from nst3d.formats.captures.registry import load_capture, save_transforms
from nst3d.pipeline.kinds.radiance.frame_check import frame_note
from nst3d.pipeline.kinds.radiance.scene import open_splats
from nst3d.pipeline.kinds.radiance.shown import show_splats
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.representations.capture import Capture
from nst3d.tensors import Array


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[VoxelRenderer, Array, Capture]:
    """A ball with a pattern, its colours, and its photographs from eight sides, too dark."""
    field = ball_field(nodes=24, views=8, pixels=48)
    renderer = VoxelRenderer(field)
    x, y, z = (renderer.positions - CENTRE).T * 5
    waves = [np.sin(x) * np.sin(y + 1), np.sin(y) * np.cos(z), np.cos(z) * np.sin(x)]
    colours = np.stack(waves, axis=1).astype(np.float32) * 0.4 + 0.5
    pictures = [renderer.draw(c, colours).over(0.9) * 0.7 for c in field.cameras]
    folder = tmp_path_factory.mktemp("capture")
    save_transforms(folder, field.cameras, pictures)
    return renderer, colours, load_capture(folder)


def turned(capture: Capture, matrix: Array) -> Capture:
    """The capture in another world."""
    photos = [replace(p, camera=replace(p.camera, camera_to_world=matrix @ p.camera.camera_to_world))
              for p in capture.photos]  # fmt: skip
    return replace(capture, photos=tuple(photos))


def test_own_cameras(scene: tuple[VoxelRenderer, Array, Capture]) -> None:
    assert frame_note(*scene) == ()


def test_a_scene_that_was_painted_still_fits(scene: tuple[VoxelRenderer, Array, Capture]) -> None:
    renderer, colours, capture = scene
    mixed = 1 - colours @ np.array([[0.1, 0.5, 0.3], [0.6, 0.2, 0.1], [0.2, 0.2, 0.5]], np.float32)
    assert frame_note(renderer, mixed, capture) == ()


def test_cameras_of_another_world(scene: tuple[VoxelRenderer, Array, Capture]) -> None:
    renderer, colours, capture = scene
    about = np.eye(4)
    about[:3, :3] = np.array([[0.6, -0.8, 0], [0, 0, 1], [-0.8, -0.6, 0]])
    about[:3, 3] = CENTRE - about[:3, :3] @ CENTRE
    (note,) = frame_note(renderer, colours, turned(capture, about))
    assert "do not fit the scene" in note
    assert str(capture.source) in note
    away = np.eye(4)
    away[:3, 3] = 50
    (note,) = frame_note(renderer, colours, turned(capture, away))
    assert "see nothing of the scene" in note


def test_without_photographs_there_is_no_word(scene: tuple[VoxelRenderer, Array, Capture]) -> None:
    renderer, colours, capture = scene
    elsewhere = turned(capture, np.diag([1.0, -1, -1, 1]))
    bare = tuple(replace(p, path=None) for p in elsewhere.photos)
    assert frame_note(renderer, colours, replace(elsewhere, photos=bare)) == ()
    gone = tuple(replace(p, path=Path("gone.png")) for p in elsewhere.photos)
    assert frame_note(renderer, colours, replace(elsewhere, photos=gone)) == ()


def test_a_trained_folder_is_painted_through_its_own_cameras(tmp_path: Path) -> None:
    write_trained_folder(tmp_path)
    opened = open_splats(tmp_path, None, PaintConfig())
    own = {tuple(np.round(p.camera.position, 6)) for p in load_capture(tmp_path / "cameras.json").photos}
    assert {tuple(np.round(c.position, 6)) for c in opened.cameras} <= own
    assert opened.photos == ()
    assert any("without their photographs" in note for note in opened.notes)
    shown = show_splats(tmp_path)
    assert len(shown.cameras) == 10
    np.testing.assert_allclose(shown.orientation.up, [0, 0, 1], atol=0.1)
