"""Reads the sound of a file, whatever format ffmpeg knows it in."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.limits import regular
from nst3d.tensors import Array
from nst3d.video.program import SOUNDS, ffmpeg_program, opened, reason

RATE = 16_000
"""Samples per second of a sound that is read."""
LONGEST = 600.0
"""Seconds of a sound that are read: ten minutes."""
SILENT = 1e-4
"""Largest amplitude, of 1, of what counts as silence: -80 dB."""


@dataclass(frozen=True)
class Sound:
    """A sound in one channel."""

    samples: Array
    """(n,) float32, about -1 to 1, `RATE` a second."""
    path: Path
    whole: float
    """Seconds of the file, of which no more than `LONGEST` are read."""

    @property
    def seconds(self) -> float:
        """Length of what was read."""
        return len(self.samples) / RATE

    @property
    def notes(self) -> list[str]:
        """What of the file was not read, if anything."""
        if self.whole <= LONGEST + 1:
            return []
        return [
            f"{self.path}: is {self.whole / 60:.0f} minutes long; the first {LONGEST / 60:.0f} are read, and the rest"
            " does not count"
        ]


def read_sound(path: PathLike) -> Sound:
    """The beginning of a sound file's, or a video's, first sound, its channels mixed.

    Raises InputError if the file is missing, has no sound that ffmpeg reads, or is silent; MissingDependencyError
    without ffmpeg.
    """
    path = Path(path)
    if not regular(path).is_file():
        what = "is a folder, expected a sound" if path.is_dir() else "no such file, expected a sound"
        raise InputError(f"{path}: {what}")
    command = [ffmpeg_program("reading"), "-nostdin", "-hide_banner", *opened(path, SOUNDS)]
    target = ["-map", "0:a:0", "-t", str(LONGEST), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    done = subprocess.run([*command, *target], capture_output=True, start_new_session=True, check=False)
    if done.returncode != 0:
        raise InputError(
            f"{path}: cannot be read as a sound, such as wav, flac, ogg or mp3 ({_why(done.stderr, path)})"
        )
    samples = np.frombuffer(done.stdout, "<f4")
    if not len(samples) or not np.isfinite(samples).all():
        raise InputError(f"{path}: has no sound: its samples are none, or no numbers")
    if np.abs(samples).max() < SILENT:
        raise InputError(f"{path}: is silent: give a sound that can be heard")
    return Sound(samples, path, _duration(done.stderr.decode(errors="replace"), len(samples) / RATE))


def _why(log: bytes, path: Path) -> str:
    if not path.stat().st_size:
        return "it is empty"
    if b"not on whitelist" in log or b"Invalid data found" in log:
        return "it is in none of the formats of sounds"
    return "it has no sound" if b"matches no streams" in log else reason(log, path)


def _duration(header: str, read: float) -> float:
    """Seconds of a file as ffmpeg says; what was `read` if it does not."""
    found = re.search(r"Duration: (\d+):(\d+):(\d+(?:\.\d+)?)", header)
    return max(read, int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])) if found else read
