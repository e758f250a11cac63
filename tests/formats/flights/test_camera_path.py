from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from nst3d.cameras.paths import Viewport, fly, shares
from nst3d.cameras.pinhole import look_at
from nst3d.errors import InputError
from nst3d.formats.flights.registry import load_camera_path
from nst3d.tensors import ImageSize

FLIP = np.diag([1.0, -1, -1, 1])
UP = np.array([0.0, 0.0, 1.0])


def poses(count: int) -> list[np.ndarray]:
    """OpenCV camera-to-world on a quarter of a circle."""
    angles = np.linspace(0, math.pi / 2, count)
    return [look_at(np.array([4 * math.cos(a), 4 * math.sin(a), 1.0]), np.zeros(3), UP) for a in angles]


def export(count: int = 4, **changes: Any) -> dict[str, Any]:
    """What nerfstudio's viewer writes: OpenGL axes, row by row, vertical field of view in degrees."""
    matrices = [(p @ FLIP).ravel().tolist() for p in poses(count)]
    document = {
        "default_fov": 75.0,
        "default_transition_sec": 2.0,
        "keyframes": [
            {"matrix": m, "fov": 50.0, "aspect": 1.5, "override_transition_enabled": False,
             "override_transition_sec": None}
            for m in matrices[::3]
        ],
        "camera_type": "perspective",
        "render_height": 40,
        "render_width": 60,
        "fps": 12,
        "seconds": count / 12,
        "is_cycle": False,
        "smoothness_value": 0.5,
        "camera_path": [{"camera_to_world": m, "fov": 50.0, "aspect": 1.5} for m in matrices],
    }  # fmt: skip
    return document | changes


def written(folder: Path, content: Any, name: str = "camera_path.json") -> Path:
    path = folder / name
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        path.write_text(
            json.dumps(content) if name.endswith("json") else yaml.safe_dump(content), encoding="utf-8"
        )
    return path


def test_nerfstudio_frames_are_flown_as_they_are(tmp_path: Path) -> None:
    flight = load_camera_path(written(tmp_path, export()))
    assert (flight.frames, flight.fps, flight.size, flight.closed) == (4, 12, ImageSize(40, 60), False)
    flown = fly(flight, shares(4, False), Viewport(ImageSize(40, 60), 1.0))
    for camera, pose in zip(flown, poses(4)):
        np.testing.assert_allclose(camera.camera_to_world, pose, atol=1e-9)
        assert camera.focal == pytest.approx(20 / math.tan(math.radians(25)))


def test_nerfstudio_closed_frames_are_flown_as_they_are(tmp_path: Path) -> None:
    flight = load_camera_path(written(tmp_path, export(is_cycle=True)))
    assert flight.closed
    for camera, pose in zip(fly(flight, shares(4, True), Viewport(ImageSize(40, 60), 1.0)), poses(4)):
        np.testing.assert_allclose(camera.camera_to_world, pose, atol=1e-9)


def test_nerfstudio_keyframes_where_there_are_no_frames(tmp_path: Path) -> None:
    document = export(7, camera_path=[], seconds=6)
    document["keyframes"][1] |= {"override_transition_enabled": True, "override_transition_sec": 4.0}
    flight = load_camera_path(written(tmp_path, document))
    assert [k.time for k in flight.keys] == [0, 4, 6]
    assert flight.frames is None
    assert flight.seconds == 6
    np.testing.assert_allclose(flight.keys[1].pose, poses(7)[3], atol=1e-9)
    closed = load_camera_path(written(tmp_path, document | {"is_cycle": True}))
    assert closed.back == 8


def test_matrices_of_older_viewers(tmp_path: Path) -> None:
    """In quotes, and column by column."""
    keys = [{"matrix": json.dumps((p @ FLIP).T.ravel().tolist()), "fov": 50, "aspect": 1} for p in poses(2)]
    flight = load_camera_path(written(tmp_path, {"keyframes": keys, "camera_path": []}))
    for key, pose in zip(flight.keys, poses(2)):
        np.testing.assert_allclose(key.pose, pose, atol=1e-9)


def test_keyframes_in_yaml(tmp_path: Path) -> None:
    matrix = (poses(3)[1] @ FLIP).tolist()
    document = {
        "size": "60x40", "fps": 10, "loop": True, "ease": 0.2, "axes": "opengl", "up": [0, 0, 1], "seconds": 9,
        "field_of_view": 50,
        "keyframes": [
            {"position": [4, 0, 1], "look_at": [0, 0, 0], "time": 0},
            {"matrix": matrix, "field_of_view": 30, "time": 2.5},
            {"position": [0, 4, 1], "look_at": [0, 0, 0], "roll": 90, "time": 7},
        ],
    }  # fmt: skip
    flight = load_camera_path(written(tmp_path, document, "a.yaml"))
    assert (flight.size, flight.fps, flight.closed, flight.ease) == (ImageSize(40, 60), 10, True, 0.2)
    assert [k.time for k in flight.keys] == [0, 2.5, 7]
    assert flight.back == 9
    assert [round(math.degrees(k.field_of_view or 0)) for k in flight.keys] == [50, 30, 50]
    for key, pose in zip(flight.keys[:2], poses(3)):
        np.testing.assert_allclose(key.pose, pose, atol=1e-9)
    # Turned clockwise by a quarter, the camera has world up at its left.
    np.testing.assert_allclose(flight.keys[2].pose[:3, 0], poses(3)[2][:3, 1], atol=1e-9)


def test_the_scene_says_what_is_up_where_the_file_does_not(tmp_path: Path) -> None:
    path = written(tmp_path, {"keyframes": [{"position": [4, 0, 1], "look_at": [0, 0, 0]}]}, "a.yml")
    np.testing.assert_allclose(load_camera_path(path, UP).keys[0].pose, poses(3)[0], atol=1e-9)
    assert not np.allclose(load_camera_path(path).keys[0].pose, poses(3)[0])


KEY = {"position": [4, 0, 1], "look_at": [0, 0, 0]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"keyframes": []}, "has no keyframes"),
        ({}, "expected|has no keyframes"),
        ([1, 2], "expected 'keyframes:'"),
        ("{", "not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ({"keyframes": 3}, "expected a list"),
        ({"keyframes": [KEY], "speed": 2}, "'speed' is not known"),
        ({"keyframes": [KEY | {"fov": 2}]}, "keyframe 1: 'fov' is not known"),
        ({"keyframes": [3]}, "keyframe 1: expected position"),
        ({"keyframes": [{"position": [1, 2, 3]}]}, "expected position and look_at"),
        ({"keyframes": [KEY | {"position": [1, 2]}]}, "expected three numbers"),
        ({"keyframes": [KEY | {"position": [1, 2, "x"]}]}, "expected a number"),
        ({"keyframes": [KEY | {"position": [1, 2, float("nan")]}]}, "is nan"),
        ({"keyframes": [KEY | {"look_at": [4, 0, 1]}]}, "same point"),
        ({"keyframes": [KEY | {"field_of_view": 200}]}, "from 0.1 to 170"),
        ({"keyframes": [KEY | {"matrix": [[1]]}]}, "one of the two"),
        ({"keyframes": [{"matrix": [[1, 2], [3]]}]}, "expected 16 numbers"),
        ({"keyframes": [{"matrix": np.diag([1, 1, -1, 1]).tolist()}]}, "left-handed"),
        ({"keyframes": [{"matrix": np.diag([0, 1, 1, 1]).tolist()}]}, "axes are zero"),
        ({"keyframes": [{"matrix": [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]}]}, "right angles"),
        ({"keyframes": [KEY | {"time": 1}, KEY]}, "1 of 2 keyframes have a time"),
        ({"keyframes": [KEY | {"time": 1}, KEY | {"time": 1}]}, "must increase"),
        ({"keyframes": [KEY], "up": [0, 0, 0]}, "up is zero"),
        ({"keyframes": [KEY], "axes": "blender"}, "choose opencv"),
        ({"keyframes": [KEY], "size": "12x"}, "like 1280x720"),
        ({"keyframes": [KEY], "loop": "yes"}, "expected true or false"),
        ({"keyframes": [KEY], "ease": 0.9}, "from 0 to 0.5"),
        ({"keyframes": [KEY], "fps": True}, "expected a number"),
        ("[" * 5000, "too deeply|not valid"),
    ],
)
def test_yaml_that_cannot_be_flown(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        load_camera_path(written(tmp_path, content, "a.yaml"))
    assert "a.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not valid JSON"),
        ("[" * 200_000, "too deeply"),
        ({"frames": []}, "neither camera_path nor keyframes"),
        ([], "neither camera_path nor keyframes"),
        (export(camera_path=[], keyframes=[]), "has no keyframes"),
        (export(camera_type="fisheye"), "camera_type is 'fisheye'"),
        (export(camera_type="equirectangular"), "only perspective"),
        (export(camera_path=[{"fov": 3}]), "frame 1: has no camera_to_world"),
        (export(camera_path=[{"camera_to_world": [1, 2]}]), "frame 1: camera_to_world: expected 16"),
        (export(camera_path=[{"camera_to_world": [float("inf")] * 16}]), "not finite"),
        (export(camera_path=[{"camera_to_world": [1.0] * 16}]), "last row"),
        (export(camera_path=[{"camera_to_world": "[1, "}]), "not a list of numbers"),
        (export(render_width="wide"), "expected a number"),
        (export(fps=1e9), "from 0.1 to 240"),
        (export(camera_path={"a": 1}), "expected a list"),
    ],
)
def test_json_that_cannot_be_flown(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        load_camera_path(written(tmp_path, content))
    assert "camera_path.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_camera_path(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not UTF-8 text"):
        load_camera_path(tmp_path / "b.yaml")
    (tmp_path / "c.json").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        load_camera_path(tmp_path / "c.json")
