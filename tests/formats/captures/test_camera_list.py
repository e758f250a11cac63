"""cameras.json of 3DGS training: poses, and photographs where they may be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from capture_samples import poses, write_pictures
from trained_folder import write_trained_folder

from nst3d.errors import InputError
from nst3d.formats.captures.photos import load_photo
from nst3d.formats.captures.registry import is_capture, load_capture
from nst3d.limits import Limits, limited
from nst3d.pipeline.captures.inspect import inspect_capture

NAMES = [f"{i:04d}.jpg" for i in range(10)]


@pytest.mark.parametrize("given", ["cameras.json", ""])
def test_cameras_without_photographs(tmp_path: Path, given: str) -> None:
    path = write_trained_folder(tmp_path) / given
    assert is_capture(path)
    capture = load_capture(path)
    np.testing.assert_allclose([p.camera.camera_to_world for p in capture.photos], poses(), atol=1e-12)
    camera = capture.photos[0].camera
    assert (camera.focal, camera.aspect * camera.focal) == (40, 41)
    assert "10 of its 10 cameras are used without their photographs" in capture.notes[0]
    assert capture.notes[0].endswith("read them from /data/ball/images, which is not here")
    with pytest.raises(InputError, match="0003: the photograph is not here"):
        load_photo(capture.photos[3])


def test_photographs_beside_it(tmp_path: Path) -> None:
    write_pictures(write_trained_folder(tmp_path) / "images", NAMES)
    capture = load_capture(tmp_path)
    assert capture.notes == ()
    assert [p.path.name for p in capture.photos if p.path] == NAMES


def test_photographs_of_the_training_are_read_if_allowed(tmp_path: Path) -> None:
    write_pictures(tmp_path / "data/images", NAMES)
    path = write_trained_folder(tmp_path / "run", source=str(tmp_path / "data")) / "cameras.json"
    assert load_capture(path).notes[0].endswith("data/images: give `allow_outside` to read them")
    with limited(Limits(outside=True)):
        assert all(p.has_picture for p in load_capture(path).photos)


def test_inspection_needs_no_photographs(tmp_path: Path) -> None:
    report = inspect_capture(write_trained_folder(tmp_path))
    assert report.contents[0] == "kind: capture (3DGS cameras)"
    assert any("without their photographs" in problem for problem in report.problems)
    assert "sharpness" not in report.facts["photos"][0]
    json.dumps(report.facts)


BROKEN = {
    "no pose": ({"rotation": None}, "0000 has no rotation"),
    "too few numbers": ({"position": [1, 2]}, "0000 has no rotation"),
    "no focal length": ({"fx": 0}, "focal length of 0 x 41"),
    "no name": ({"img_name": 3}, "camera 1 has no img_name"),
    "a huge number": ({"width": 10**400}, "width is .*expected a finite number"),
    "a mirrored pose": ({"rotation": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]}, "0000 is left-handed"),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_cameras(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = write_trained_folder(tmp_path) / "cameras.json"
    cameras = json.loads(path.read_text())
    path.write_text(json.dumps([cameras[0] | change, *cameras[1:]]))
    with pytest.raises(InputError, match=message):
        load_capture(path)
