from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from nst3d.cameras.paths import fitting_size
from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.cameras.rigs import Orientation
from nst3d.errors import ConfigError, InputError
from nst3d.pipeline.kinds.flight import Way, plan
from nst3d.renderers.radiance import Frame
from nst3d.tensors import Array, ImageSize

UP = np.array([0.0, 1.0, 0.0])


def camera(azimuth: float) -> Camera:
    position = np.array([math.sin(azimuth), 0.3, math.cos(azimuth)]) * 3
    return perspective(look_at(position, np.zeros(3), UP), ImageSize(960, 540), 0.7)


@dataclass(frozen=True)
class Stage:
    """A scene that is nothing but a cloud of points around (1, 0, 0), 2 in front of who looks."""

    cameras: tuple[Camera, ...] = ()
    hull: Array = field(default_factory=lambda: np.random.default_rng(0).normal([1, 0, 0], 1, (60, 3)))
    orientation: Orientation = field(default_factory=lambda: Orientation(UP, np.array([0.0, 0.0, 1.0])))
    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    colours: Array = field(default_factory=lambda: np.zeros((1, 3)))
    room: Array | None = None

    def placed(self, pose: Array) -> Array:
        moved = pose.copy()
        moved[:3, 3] *= 2
        return moved

    def frame(self, camera: Camera, depth: bool = False) -> Frame:
        ones = np.ones(camera.size, np.float32)
        return Frame(np.zeros((*camera.size, 3), np.float32), ones, 2 * ones)


ARC = Stage(tuple(camera(a) for a in np.linspace(-0.8, 0.8, 9)))


def test_sizes_frames_and_rates() -> None:
    for way, frames, fps, size in (
        (Way(), 96, 24, (512, 512)),
        (Way("spiral"), 144, 24, (512, 512)),
        (Way(frames=7, fps=5, size=ImageSize(20, 30)), 7, 5, (20, 30)),
        (Way(seconds=2.5, fps=10), 25, 10, (512, 512)),
        (Way(seconds=0.001), 1, 24, (512, 512)),
    ):
        planned = plan(Stage(), way)
        assert (len(planned.cameras), planned.fps, planned.cameras[0].size) == (frames, fps, size)
        assert len(planned.shares) == frames


@pytest.mark.parametrize("path", ["orbit", "spiral"])
def test_around_a_scene_without_cameras(path) -> None:
    scene = Stage()
    for camera in plan(scene, Way(path, frames=12, size=ImageSize(30, 40))).cameras:
        pixels, depth = camera.project(scene.hull)
        assert (depth > 0).all()
        assert (pixels > 0).all()
        assert (pixels < [40, 30]).all()


@pytest.mark.parametrize(("asked", "start"), [(None, 20), (-15, -15), (80, 80)])
def test_a_spiral_starts_at_eye_height_or_as_asked_and_rises(asked, start) -> None:
    scene = Stage()
    way = Way("spiral", frames=24, elevation=None if asked is None else math.radians(asked))
    offsets = np.array([-c.forward for c in plan(scene, way).cameras])
    heights = np.degrees(np.arcsin(offsets @ UP))
    assert heights[0] == pytest.approx(start)
    assert heights.argmin() == 0
    assert heights.max() == pytest.approx(min(start + 25, 85))


@pytest.mark.parametrize("path", ["orbit", "spiral", "cameras"])
def test_among_the_cameras_of_a_capture(path) -> None:
    planned = plan(ARC, Way(path, frames=24))
    assert planned.cameras[0].size == ImageSize(640, 360)
    assert planned.cameras[0].focal == pytest.approx(ARC.cameras[0].focal * 2 / 3)
    own = np.array([c.position for c in ARC.cameras])
    for flown in planned.cameras:
        assert np.linalg.norm(own - flown.position, axis=1).min() < 0.5
    wide = plan(ARC, Way(path, frames=2, field_of_view=1.0, size=ImageSize(20, 20)))
    if path != "cameras":
        assert wide.cameras[0].focal == pytest.approx(10 / math.tan(0.5))


def test_cameras_that_look_one_way_turn_about_what_is_rendered_there() -> None:
    row = [
        look_at(np.array([x, y, 0.0]), np.array([x, y, 1.0]), UP)
        for x in (-0.1, 0, 0.1)
        for y in (-0.1, 0, 0.1)
    ]
    scene = Stage(tuple(perspective(p, ImageSize(60, 80), 0.8) for p in row))
    for flown in plan(scene, Way("spiral", frames=8)).cameras:
        nearest = flown.position + flown.forward * np.linalg.norm(flown.position - [0, 0, 2])
        np.testing.assert_allclose(nearest, [0, 0, 2], atol=1e-6)


def test_keyframes_are_in_the_files_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(
        "fps: 5\nease: 0.5\nkeyframes:\n"
        "- {position: [0, 0, 4], look_at: [0, 0, 0], time: 1}\n- {position: [4, 0, 0], look_at: [0, 0, 0], time: 4}"
    )
    planned = plan(Stage(), Way(str(path)))
    assert (len(planned.cameras), planned.fps) == (15, 5)
    np.testing.assert_allclose(planned.cameras[0].position, [0, 0, 8])
    np.testing.assert_allclose(planned.cameras[-1].position, [8, 0, 0])
    assert planned.shares[1] < 0.01  # from rest
    even = plan(Stage(), Way(str(path), ease=0.0, loop=True, frames=9, field_of_view=1.0))
    np.testing.assert_allclose(np.diff(even.shares), 1 / 9)
    assert even.cameras[0].focal == pytest.approx(256 / math.tan(0.5))


def test_keyframes_without_times_take_two_seconds_each(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    keys = "".join(f"- {{position: [{x}, 0, 4], look_at: [0, 0, 0]}}\n" for x in range(3))
    path.write_text(f"keyframes:\n{keys}")
    assert len(plan(Stage(), Way(str(path))).cameras) == 96
    assert len(plan(Stage(), Way(str(path), loop=True)).cameras) == 144
    path.write_text(f"seconds: 3\nfps: 10\nkeyframes:\n{keys}")
    assert len(plan(Stage(), Way(str(path))).cameras) == 30
    assert len(plan(Stage(), Way(str(path), fps=20)).cameras) == 60


def test_sizes_that_fit_a_capture() -> None:
    assert fitting_size(ARC.cameras) == ImageSize(640, 360)
    assert fitting_size(ARC.cameras, 5000) == ImageSize(960, 540)
    assert fitting_size(ARC.cameras, 10) == ImageSize(16, 16)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"frames": 3, "seconds": 1.0}, "not both"),
        ({"frames": 0}, "1 to 100000 frames"),
        ({"fps": 0.0}, "frames per second"),
        ({"seconds": 0.0}, "more than 0"),
        ({"ease": 0.7}, "from 0 to 0.5"),
        ({"turns": math.nan}, "`turns` nan: expected a finite"),
        ({"frames": 3, "seconds": math.inf}, "`seconds` inf: expected a finite"),
        ({"size": ImageSize(8, 8)}, "from 16 to 8192"),
    ],
)
def test_ways_that_make_no_sense(values, says) -> None:
    with pytest.raises(ConfigError, match=says):
        Way(**values)


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'zigzag' is not known"):
        plan(Stage(), Way("zigzag"))
    with pytest.raises(InputError, match="no such file"):
        plan(Stage(), Way(str(tmp_path / "a.json")))
    with pytest.raises(InputError, match="give `cameras`"):
        plan(Stage(), Way("cameras"))


def test_a_scene_with_a_room_is_also_shown_from_inside() -> None:
    place = np.array([1.0, 0.2, 0.0])
    planned = plan(Stage(room=place), Way(frames=9, size=ImageSize(20, 20)))
    assert len(planned.cameras) == len(planned.shares) == 9
    inside = [np.allclose(c.position, place) for c in planned.cameras]
    assert inside == [False] * 5 + [True] * 4
    turn = np.array([c.forward for c in planned.cameras[5:]])
    level = turn[:, [0, 2]] / np.linalg.norm(turn[:, [0, 2]], axis=1, keepdims=True)
    np.testing.assert_allclose(level, [[0, -1], [-1, 0], [0, 1], [1, 0]], atol=1e-9)
    assert (turn[:, 1] < -0.1).all()
    for scene, path in ((Stage(room=place), "orbit"), (Stage(), "auto")):
        assert not any(np.allclose(c.position, place) for c in plan(scene, Way(path, frames=9)).cameras)


def test_a_turn_inside_looks_up_and_down_and_needs_a_room() -> None:
    down = plan(Stage(room=np.zeros(3)), Way("inside", frames=4, elevation=-0.3))
    assert all(c.forward[1] == pytest.approx(-math.sin(0.3)) for c in down.cameras)
    with pytest.raises(InputError, match="no room"):
        plan(Stage(), Way("inside"))
