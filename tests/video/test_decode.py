"""Frames of a video, in grey or as they are, and files that are no video."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.errors import InputError
from nst3d.video.decode import read_frames, read_grey
from nst3d.video.encode import write_mp4


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Twelve frames of 96 x 64, frame n with the grey n / 12 on the left and its inverse on the right."""
    path = tmp_path_factory.mktemp("video") / "a film.mp4"
    frames = np.empty((12, 64, 96, 3), np.float32)
    shade = np.arange(12, dtype=np.float32)[:, None, None, None] / 12
    frames[:, :, :48], frames[:, :, 48:] = shade, 1 - shade
    write_mp4(path, frames, 24, crf=4)
    return path


def test_every_frame_in_grey(video) -> None:
    frames = list(read_grey(video, 48))
    assert [f.shape for f in frames] == [(32, 48)] * 12
    assert [f[16, 8] / 255 for f in frames] == pytest.approx(np.arange(12) / 12, abs=0.03)


def test_frames_are_not_enlarged(video) -> None:
    assert next(read_grey(video, 500)).shape == (64, 96)


def test_chosen_frames(video) -> None:
    frames = list(read_frames(video, [0, 3, 4, 11]))
    assert [f.shape for f in frames] == [(64, 96, 3)] * 4
    assert [f[32, 20, 1] / 255 for f in frames] == pytest.approx([0, 3 / 12, 4 / 12, 11 / 12], abs=0.03)
    assert [f[32, 70, 1] / 255 for f in frames] == pytest.approx([1, 9 / 12, 8 / 12, 1 / 12], abs=0.03)


def test_a_reader_may_stop_early(video) -> None:
    frames = read_grey(video, 48)
    next(frames)
    frames.close()
    assert not list(frames)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no film at all", "cannot be read as a video"),
        (b"", "cannot be read as a video"),
        (b"#EXTM3U\n#EXTINF:1,\nother.ts\n#EXT-X-ENDLIST\n", "cannot be read as a video"),
        (b"ffconcat version 1.0\nfile 'other.mp4'\n", "cannot be read as a video"),
        (None, "no such file, expected a video"),
    ],
    ids=["text", "empty", "playlist", "list of files", "missing"],
)
def test_what_is_no_video(tmp_path, video, content, says) -> None:
    path = tmp_path / "clip.mp4"
    (tmp_path / "other.mp4").write_bytes(video.read_bytes())
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=says) as error:
        list(read_grey(path, 48))
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).count(str(path)) == 1
