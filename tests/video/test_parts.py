"""A video in parts, joined with the sound of another."""

from __future__ import annotations

import subprocess
from fractions import Fraction

import numpy as np
import pytest

from nst3d.errors import OutputError
from nst3d.video.clip import read_clip
from nst3d.video.decode import read_clip_frames
from nst3d.video.parts import join_parts, write_part
from nst3d.video.program import ffmpeg_program


def film(path, *sound: str, rate: str = "24"):
    """A video of half a second, with sound if any is asked for."""
    command = [ffmpeg_program("writing"), "-y", "-loglevel", "error", "-f", "lavfi"]
    tone = ["-f", "lavfi", "-i", "sine=d=0.5", *sound] if sound else []
    subprocess.run([*command, "-i", f"testsrc2=s=64x48:r={rate}:d=0.5", *tone, str(path)], check=True)
    return read_clip(path)


def shades(count: int, first: int = 0, size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    return [np.full((*size, 3), 20 * (first + k), np.uint8) for k in range(count)]


@pytest.mark.parametrize("rate", ["24", "30000/1001"])
def test_parts_are_joined_at_the_rate(tmp_path, rate) -> None:
    clip = film(tmp_path / "a.mp4", rate=rate)
    parts = [tmp_path / "one.h264", tmp_path / "two.h264"]
    write_part(parts[0], shades(5), (48, 64), clip.rate, 10)
    write_part(parts[1], shades(4, 5), (48, 64), clip.rate, 10)
    join_parts(tmp_path / "b.mp4", parts, clip)
    done = read_clip(tmp_path / "b.mp4")
    assert (done.rate, done.variable, done.frames, done.audio) == (Fraction(rate), False, 9, ())
    levels = [int(frame[24, 32, 1]) for frame in read_clip_frames(done)]
    assert levels == pytest.approx(range(0, 180, 20), abs=3)


@pytest.mark.parametrize(
    ("name", "sound", "kept"),
    [
        ("a.mp4", ["-c:a", "aac"], "aac"),
        ("a.avi", ["-c:a", "pcm_s16le"], "aac"),
        ("a.mkv", ["-c:a", "flac"], "flac"),
    ],
)
def test_the_sound_is_kept(tmp_path, name, sound, kept) -> None:
    clip = film(tmp_path / name, *sound)
    write_part(tmp_path / "one.h264", shades(12), (48, 64), clip.rate, 18)
    join_parts(tmp_path / "b.mp4", [tmp_path / "one.h264"], clip)
    assert read_clip(tmp_path / "b.mp4").audio == (kept,)


def test_odd_sides_lose_a_row_and_a_column(tmp_path) -> None:
    clip = film(tmp_path / "a.mp4")
    write_part(tmp_path / "one.h264", shades(2, size=(49, 63)), (49, 63), clip.rate, 18)
    join_parts(tmp_path / "b.mp4", [tmp_path / "one.h264"], clip)
    assert next(read_clip_frames(read_clip(tmp_path / "b.mp4"))).shape == (48, 62, 3)


def test_colours_survive(tmp_path) -> None:
    clip = film(tmp_path / "a.mp4")
    colours = [(200, 60, 40), (40, 180, 70), (50, 60, 210)]
    frames = [np.broadcast_to(np.array(c, np.uint8), (48, 64, 3)) for c in colours]
    write_part(tmp_path / "one.h264", frames, (48, 64), clip.rate, 4)
    join_parts(tmp_path / "b.mp4", [tmp_path / "one.h264"], clip)
    for frame, colour in zip(read_clip_frames(read_clip(tmp_path / "b.mp4")), colours, strict=True):
        assert frame[24, 32].tolist() == pytest.approx(colour, abs=5)


def test_what_cannot_be_joined(tmp_path) -> None:
    clip = film(tmp_path / "a.mp4")
    (tmp_path / "one.h264").write_bytes(b"no film")
    with pytest.raises(OutputError, match=r"b\.mp4: cannot be written"):
        join_parts(tmp_path / "b.mp4", [tmp_path / "one.h264"], clip)
    assert not (tmp_path / "b.mp4").exists()
