"""What a video file contains: rate, size, number of frames, and what cannot be kept of it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.tensors import Array
from nst3d.video.program import ffmpeg_program, opened, reason

HIGH_DYNAMIC_RANGE = ("smpte2084", "arib-std-b67")
"""Transfer curves of PQ and HLG, as ffmpeg names them."""

_WHOLE_RATES = (8, 10, 12, 15, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
_USUAL = (*map(Fraction, _WHOLE_RATES), *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120, 240)))
_NEAR, _NEARLY = 0.003, 0.025
"""Relative distances within which a mean rate, and that of one pair of frames, count as one of the usual ones:
containers round times to milliseconds."""


@dataclass(frozen=True)
class Clip:
    """A video file as it is read: upright, at a constant rate, with square pixels and 8 bits."""

    path: Path
    rate: Fraction
    """Frames per second."""
    variable: bool
    """Whether the file's rate varies: frames are then repeated or left out to make it constant."""
    frames: int
    """Expected number of frames: the file's, or as many as its time holds if the rate varies."""
    start: float
    """Seconds from the file's beginning to the first frame."""
    pixels: str
    """Name of the pixel format, with its colour space: "yuv420p10le(tv, bt2020nc/bt2020/smpte2084)"."""
    turned: int
    """Degrees that frames are turned by to be upright."""
    audio: tuple[str, ...]
    """Codec of each audio stream."""

    @property
    def transparent(self) -> bool:
        """Whether its pixels have an alpha channel."""
        return re.match(r"yuva|[a-z]*rgba|argb|abgr|bgra|gbrap|ya\d|pal8", self.pixels) is not None

    @property
    def hdr(self) -> bool:
        """Whether its brightness is encoded for a high dynamic range."""
        return any(curve in self.pixels for curve in HIGH_DYNAMIC_RANGE)

    @property
    def deep(self) -> bool:
        """Whether its pixels have more than 8 bits."""
        return re.match(r"[a-z0-9]*?p?(9|10|12|14|16)(le|be)", self.pixels) is not None


def read_clip(path: PathLike) -> Clip:
    """Describe a video without decoding it.

    Raises InputError if the file is missing, not a video that ffmpeg reads, or has no frames;
    MissingDependencyError without ffmpeg.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder, expected a video")
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a video")
    command = [ffmpeg_program("reading"), "-nostdin", "-hide_banner", *opened(path)]
    # Copying the packets of the picture to nowhere tells their times; the header is printed on the way.
    target = ["-map", "0:V:0", "-c", "copy", "-f", "framecrc", "-"]
    done = subprocess.run([*command, *target], capture_output=True, start_new_session=True, check=False)
    header = done.stderr.decode(errors="replace")
    stream = re.search(r"Stream #0:\d+.*?: Video: (?!.*\(attached pic\))(.*)", header)
    if stream is None:
        why = "it has no moving picture" if "Audio:" in header else reason(done.stderr, path)
        raise InputError(f"{path}: cannot be read as a video ({why})")
    times = _times(done.stdout.decode(errors="replace"))
    if not len(times):
        raise InputError(f"{path}: is a video without frames")
    rate, variable = _rate(times, stream[1])
    length = float(times[-1] - times[0]) + 1 / float(rate)
    turned = re.search(r"rotation of (-?\d+)", header)
    return Clip(
        path,
        rate,
        variable,
        max(1, round(length * float(rate))) if variable else len(times),
        max(0.0, float(times[0])),
        _pixels(stream[1]),
        -int(turned[1]) % 360 if turned else 0,
        tuple(re.findall(r"Stream #0:\d+.*?: Audio: (\w+)", header)),
    )


def describe_changes(clip: Clip) -> list[str]:
    """What is converted or lost when the clip is read, one line each."""
    notes = []
    if clip.variable:
        notes.append(
            f"{clip.path.name}: its frame rate varies; frames are repeated or left out to make it"
            f" {float(clip.rate):.6g} per second"
        )
    if clip.hdr:
        notes.append(f"{clip.path.name}: its high dynamic range is mapped to the usual one of 8 bits")
    elif clip.deep:
        notes.append(f"{clip.path.name}: has more than 8 bits per channel; the result has 8")
    if clip.transparent:
        notes.append(f"{clip.path.name}: what is transparent in it is laid on black, as the result is opaque")
    if clip.turned:
        notes.append(f"{clip.path.name}: frames are turned upright, by {clip.turned} degrees")
    return notes


def _times(text: str) -> Array:
    """The ascending times of the frames in seconds, from framecrc's lines: stream, dts, pts, duration, …"""
    base = re.search(r"^#tb 0: (\d+)/(\d+)", text, re.MULTILINE)
    ticks = [int(line.split(",")[2]) for line in text.splitlines() if line and not line.startswith("#")]
    unit = int(base[1]) / int(base[2]) if base else 1.0
    return np.unique(np.array(ticks, np.int64)) * unit


def _rate(times: Array, stream: str) -> tuple[Fraction, bool]:
    """Frames per second, and whether they vary: whether a frame is ever more than half a frame early or late."""
    stated, base = (_stated(stream, what) for what in ("fps", "tbr"))
    if len(times) < 2 or times[-1] <= times[0]:
        return stated or base or Fraction(25), False
    mean = _fraction((len(times) - 1) / (times[-1] - times[0]))
    for rate in (_usual(mean, stated, _NEAR), mean):
        late = (times - times[0]) * float(rate) - np.arange(len(times))
        if np.abs(late).max() < 0.5:
            return rate, False
    return _usual(_fraction(1 / np.median(np.diff(times))), base, _NEARLY), True


def _stated(stream: str, what: str) -> Fraction | None:
    """The rate in ffmpeg's line on a stream, which it rounds: "23.98 fps", "1k tbr"."""
    found = re.search(rf"([\d.]+)(k?) {what}", stream)
    rate = Fraction(found[1]) * (1000 if found[2] else 1) if found else Fraction(0)
    return _usual(rate, None, _NEAR) if rate else None


def _usual(rate: Fraction, stated: Fraction | None, tolerance: float) -> Fraction:
    """The usual rate near this one that is nearest to the stated one, or else to this; this one if there is none."""
    near = [usual for usual in _USUAL if abs(usual / rate - 1) < tolerance]
    return min(near, key=lambda usual: abs(usual - (stated or rate)), default=rate)


def _fraction(rate: float) -> Fraction:
    return Fraction(float(rate)).limit_denominator(100_000)


def _pixels(stream: str) -> str:
    """The pixel format in ffmpeg's line on a stream: what follows the codec, whose brackets may hold commas."""
    found = re.search(r"\)?, ([a-z][a-z0-9_]*(?:\([^)]*\))?)(?:,|$)", stream)
    return found[1] if found else ""
