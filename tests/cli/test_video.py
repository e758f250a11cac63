"""nst3d video from the command line."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

from nst3d.images.io import write_image
from nst3d.video.encode import write_mp4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with clip.mp4, 6 frames of 48 x 32 pixels, and style.png."""
    folder = tmp_path_factory.mktemp("video")
    noise = np.random.default_rng(0)
    write_mp4(folder / "clip.mp4", noise.random((1, 32, 48, 3), np.float32).repeat(6, 0), 12)
    write_image(folder / "style.png", noise.random((32, 32, 3)))
    return folder


def arguments(folder, out, *more):
    given = ["video", folder / "clip.mp4", "--style", folder / "style.png", "--out", out]
    return [*given, "--teacher", "posterise", "--steady", "0", *more]


def test_a_video_is_painted(nst3d, folder, tmp_path) -> None:
    done = nst3d(*arguments(folder, tmp_path / "out", "--quiet"))
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "out" / "video.mp4") in done.stdout
    assert "6 frames in 1 shot," in done.stdout
    assert done.stderr == ""


def test_the_teachers_options_count(nst3d, folder, tmp_path) -> None:
    pictures = []
    for levels in ("2", "7"):
        done = nst3d(*arguments(folder, tmp_path / levels, "--teacher-option", f"levels={levels}"))
        assert done.returncode == 0, done.stderr
        pictures.append((tmp_path / levels / "sheet.png").read_bytes())
    assert pictures[0] != pictures[1]


def test_ctrl_c_keeps_what_is_painted(nst3d, folder, tmp_path, monkeypatch) -> None:
    @contextmanager
    def stopped():
        yield lambda: True

    with monkeypatch.context() as patch:
        patch.setattr("nst3d.pipeline.jobs.video.stoppable", stopped)
        done = nst3d(*arguments(folder, tmp_path / "out"))
    assert done.returncode == 130
    assert "run the same command with --resume to continue" in done.stdout
    again = nst3d(*arguments(folder, tmp_path / "out", "--resume"))
    assert again.returncode == 0, again.stderr
    assert "starting over" in again.stderr
    assert (tmp_path / "out" / "video.mp4").is_file()


def test_frames_are_optimised(nst3d, folder, tmp_path) -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    given = [
        "video",
        folder / "clip.mp4",
        "--style",
        folder / "style.png",
        "--out",
        tmp_path / "out",
        "--quiet",
    ]
    done = nst3d(*given, "--way", "optimise", "--iterations", "1", "--flow", "dis")
    assert done.returncode == 0, done.stderr
    assert "6 frames in 1 shot," in done.stdout
    assert "of 1 changes along the motion" in done.stdout


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--teacher", "wet"], "teacher 'wet' is not known; known are diffusion,"),
        (
            ["--teacher-option", "tones=3"],
            "teacher posterise has no option 'tones'; its options are: levels, lines",
        ),
        (
            ["--teacher", "instant", "--teacher-option", "strength=0.5", "--way", "optimise"],
            "give --start teacher, or leave out --teacher-option",
        ),
        (["--steady", "1"], "--steady is 1: expected a number from 0 to 0.95"),
        (["--size", "20"], "clip.mp4: its frames would be painted with 20 x 13 pixels"),
    ],
)
def test_wrong_options(nst3d, folder, tmp_path, more, says) -> None:
    done = nst3d(*arguments(folder, tmp_path / "out", *more))
    assert done.returncode == 1
    assert says in done.stderr
    assert not (tmp_path / "out").exists()
