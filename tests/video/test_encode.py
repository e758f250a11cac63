from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from nst3d.errors import MissingDependencyError, OutputError
from nst3d.tensors import Array
from nst3d.video.encode import write_mp4


def frames(count: int, height: int = 33, width: int = 49) -> Iterator[Array]:
    return (np.full((height, width, 3), k / count, np.float32) for k in range(count))


def test_an_mp4_has_all_frames_and_even_sides(tmp_path: Path) -> None:
    path = tmp_path / "a ü.mp4"
    assert write_mp4(path, frames(5), fps=10) == 5
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    for fact in ("h264", "yuv420p", "48x32", "10 fps"):
        assert fact in done.stderr.decode()
    shades = np.frombuffer(done.stdout, np.uint8).reshape(5, -1).mean(1) / 255
    np.testing.assert_allclose(shades, np.arange(5) / 5, atol=0.02)
    assert list(tmp_path.iterdir()) == [path]


def test_a_video_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Array]:
        yield from frames(2)
        raise KeyboardInterrupt

    with pytest.raises(OutputError, match="at least one frame"):
        write_mp4(tmp_path / "a.mp4", [], fps=10)
    with pytest.raises(KeyboardInterrupt):
        write_mp4(tmp_path / "a.mp4", broken(), fps=10)
    with pytest.raises(OutputError, match=r"a\.mp4: cannot be written"):
        write_mp4(tmp_path / "nowhere" / "a.mp4", frames(2), fps=10)

    def none() -> str:
        raise RuntimeError

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none)
    with pytest.raises(MissingDependencyError, match="no ffmpeg"):
        write_mp4(tmp_path / "a.mp4", frames(2), fps=10)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_ffmpeg_ends_its_work_ends_it(tmp_path, monkeypatch) -> None:
    """All frames are piped, and the interrupt comes in the wait for the file."""
    started, wait = [], subprocess.Popen.wait

    def interrupted(process, timeout=None):
        if process in started:
            return wait(process, timeout)
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_mp4(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.float32)] * 4, 24)
    assert wait(started[0], 5) == -signal.SIGKILL
    assert not list(tmp_path.iterdir())
