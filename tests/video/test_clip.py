"""What a video file contains, and frames as they are read from all sorts of files."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nst3d.errors import InputError
from nst3d.video.clip import describe_changes, read_clip
from nst3d.video.decode import read_clip_frames
from nst3d.video.program import ffmpeg_program


def make(path: Path, *arguments: str, source: str = "testsrc2=s=64x48:r=24:d=0.5") -> Path:
    """A video of ffmpeg's test picture, with these arguments for the output."""
    command = [ffmpeg_program("writing"), "-y", "-loglevel", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*command, *arguments, str(path)], check=True)
    return path


def turned(path: Path, degrees: int) -> Path:
    """A copy of a video that says by how much it is to be turned, as phones write it."""
    copy = path.with_name(f"turned{path.suffix}")
    command = [ffmpeg_program("writing"), "-y", "-loglevel", "error", "-display_rotation:v:0", str(degrees)]
    subprocess.run([*command, "-i", str(path), "-c", "copy", str(copy)], check=True)
    return copy


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.flv"])
@pytest.mark.parametrize("rate", ["24", "30000/1001", "10"])
def test_rate_and_frames_of_any_container(tmp_path, name, rate) -> None:
    clip = read_clip(make(tmp_path / name, source=f"testsrc2=s=64x48:r={rate}:d=1"))
    assert (clip.rate, clip.variable) == (Fraction(rate), False)
    frames = list(read_clip_frames(clip))
    assert len(frames) == clip.frames == round(Fraction(rate))
    assert frames[0].shape == (48, 64, 3)


def test_frames_from_a_number_on(tmp_path) -> None:
    clip = read_clip(make(tmp_path / "a.mp4", source="testsrc2=s=64x48:r=12:d=1"))
    frames = list(read_clip_frames(clip))
    assert not np.array_equal(frames[6], frames[7])
    assert np.array_equal(frames[7:], list(read_clip_frames(clip, 7)))
    assert not list(read_clip_frames(clip, 12))


def test_frames_of_a_size(tmp_path) -> None:
    clip = read_clip(make(tmp_path / "a.mp4"))
    assert next(read_clip_frames(clip, size=(24, 32))).shape == (24, 32, 3)


def test_a_varying_rate_becomes_constant(tmp_path) -> None:
    """The first half second has all frames, the second every fourth."""
    chosen = ["-vf", "select='lt(n,12)+not(mod(n,4))'", "-fps_mode", "passthrough"]
    clip = read_clip(make(tmp_path / "a.mkv", *chosen, source="testsrc2=s=64x48:r=24:d=1"))
    assert clip.variable
    assert float(clip.rate) == pytest.approx(24, abs=0.03)
    assert len(list(read_clip_frames(clip))) == pytest.approx(clip.frames, abs=1)
    assert clip.frames == pytest.approx(22, abs=1)  # the last one that is there begins at 20 / 24
    assert "its frame rate varies" in describe_changes(clip)[0]


@pytest.mark.parametrize(("degrees", "upright"), [(90, 270), (-90, 90)])
def test_a_phones_video_is_turned_upright(tmp_path, degrees, upright) -> None:
    clip = read_clip(turned(make(tmp_path / "a.mp4"), degrees))
    assert next(read_clip_frames(clip)).shape == (64, 48, 3)
    assert clip.turned == upright
    assert describe_changes(clip) == [f"turned.mp4: frames are turned upright, by {upright} degrees"]


def test_transparent_frames_are_laid_on_black(tmp_path) -> None:
    filters = "format=rgba,geq=r=200:g=100:b=50:a='if(lt(X,32),255,0)'"
    clip = read_clip(make(tmp_path / "a.mov", "-vf", filters, "-c:v", "png"))
    frame = next(read_clip_frames(clip))
    assert frame[24, 8].tolist() == pytest.approx([200, 100, 50], abs=2)
    assert frame[24, 56].tolist() == [0, 0, 0]
    assert "laid on black" in describe_changes(clip)[0]


def test_more_bits_are_said(tmp_path) -> None:
    clip = read_clip(make(tmp_path / "a.mkv", "-pix_fmt", "yuv420p10le", "-c:v", "libx264"))
    assert clip.deep
    assert not clip.hdr
    assert describe_changes(clip) == ["a.mkv: has more than 8 bits per channel; the result has 8"]
    assert next(read_clip_frames(clip)).dtype == np.uint8


def test_high_dynamic_range_is_mapped(tmp_path) -> None:
    """A grey of half the signal is some 90 cd/m² in PQ, near the white of usual videos, and not a dull grey."""
    colour = ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"]
    filters = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    coding = ["-vf", filters, *colour, "-c:v", "libx264"]
    clip = read_clip(make(tmp_path / "a.mp4", *coding, source="color=0x828282:s=64x48:r=24:d=0.2"))
    assert clip.hdr
    assert describe_changes(clip) == ["a.mp4: its high dynamic range is mapped to the usual one of 8 bits"]
    frame = next(read_clip_frames(clip))
    assert frame.std((0, 1)).max() < 2
    assert frame.mean() > 150


def test_pixels_become_square(tmp_path) -> None:
    clip = read_clip(make(tmp_path / "a.mp4", "-vf", "setsar=2/1"))
    assert next(read_clip_frames(clip)).shape == (48, 128, 3)


def test_sound_is_told(tmp_path) -> None:
    tone = ["-f", "lavfi", "-i", "sine=d=0.5", "-c:a", "pcm_s16le"]
    assert read_clip(make(tmp_path / "a.avi", *tone)).audio == ("pcm_s16le",)


def test_a_file_without_a_picture(tmp_path) -> None:
    path = make(tmp_path / "a.m4a", source="sine=d=0.2")
    with pytest.raises(InputError, match=r"a\.m4a: cannot be read as a video \(it has no moving picture\)"):
        read_clip(path)


def test_a_video_without_frames(tmp_path) -> None:
    path = make(tmp_path / "a.avi", "-frames:v", "0", "-c:v", "mpeg4")
    with pytest.raises(InputError, match=r"a\.avi: .*frames"):
        read_clip(path)


@pytest.mark.parametrize("content", [b"no film", b"", b"ffconcat version 1.0\nfile 'other.mp4'\n"])
def test_what_is_no_video(tmp_path, content) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.mp4: cannot be read as a video"):
        read_clip(path)


def test_a_picture_is_no_video(tmp_path) -> None:
    path = make(tmp_path / "a.png", "-frames:v", "1", "-update", "1")
    with pytest.raises(InputError, match=r"a\.png: cannot be read as a video \(it is in none of the formats"):
        read_clip(path)


def test_a_cover_is_not_the_video(tmp_path) -> None:
    cover = make(tmp_path / "cover.png", "-frames:v", "1", "-update", "1")
    given = ["-i", str(cover), "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic"]
    path = make(tmp_path / "a.m4a", *given, source="sine=d=0.2")
    with pytest.raises(InputError, match="it has no moving picture"):
        read_clip(path)
