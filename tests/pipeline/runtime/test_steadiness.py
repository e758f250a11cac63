"""How steady a flight is, by the frames that were written."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from nst3d.images.io import write_image
from nst3d.pipeline.runtime.steadiness import steadiness_of
from nst3d.video.encode import write_mp4

COUNT = 16


def frames(flicker: float) -> np.ndarray:
    """Frames (n, 48, 64, 3) of a smooth picture that moves by two pixels a frame, with brightness that flickers."""
    noise = np.random.default_rng(0)
    coarse = noise.random((8, 20, 3)).astype(np.float32)
    wide = np.kron(coarse, np.ones((6, 6, 1), np.float32)) * 0.5 + 0.25
    for _ in range(6):
        wide = (wide + np.roll(wide, 1, 0) + np.roll(wide, 1, 1)) / 3
    moved = np.stack([wide[:, 2 * k : 2 * k + 64] for k in range(COUNT)])
    return moved + flicker * (np.arange(COUNT) % 2)[:, None, None, None]


def write_folder(folder, pictures):
    folder.mkdir()
    for number, picture in enumerate(pictures):
        write_image(folder / f"frame_{number:05d}.png", picture)
    return folder


@pytest.fixture
def _opencv() -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")


@pytest.mark.usefixtures("_opencv")
def test_flicker_is_measured_and_motion_is_not(tmp_path) -> None:
    found = []
    for name, flicker in (("steady", 0.0), ("flicker", 0.1)):
        path = tmp_path / f"{name}.mp4"
        write_mp4(path, frames(flicker), 12, 4)
        found.append(steadiness_of(path))
    steady, flickering = found
    assert (steady["flow"], steady["pairs"]) == ("dis", 12)
    assert steady["warped_error"][0] < 0.02
    assert flickering["warped_error"][0] == pytest.approx(0.1, abs=0.03)


@pytest.mark.usefixtures("_opencv")
def test_two_scenes_side_by_side_in_a_folder(tmp_path) -> None:
    both = np.concatenate([frames(0.1), frames(0.0)], axis=2)
    left, right = steadiness_of(write_folder(tmp_path / "both", both), 2)["warped_error"]
    assert left > 0.07
    assert right < 0.02


@pytest.mark.usefixtures("_opencv")
def test_one_picture_says_why_there_is_none(tmp_path) -> None:
    folder = write_folder(tmp_path / "one", frames(0.0)[:1])
    for path in (folder, folder / "frame_00000.png"):
        assert steadiness_of(path) == {
            "flow": None,
            "reason": "there is one picture, and nothing to compare it with",
        }


def test_without_opencv_it_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    found = steadiness_of(write_folder(tmp_path / "some", frames(0.0)))
    assert found["flow"] is None
    assert "pip install 'nst3d[video]'" in found["reason"]
