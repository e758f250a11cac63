"""Writes frames as H.264 in MP4 (with imageio-ffmpeg's ffmpeg) or as PNG files."""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import OutputError
from nst3d.files import PathLike, replacing
from nst3d.images.levels import to_bytes
from nst3d.tensors import Array
from nst3d.video.program import SOUNDS, ffmpeg_program, opened


@dataclass(frozen=True)
class Soundtrack:
    """The sound of a video."""

    path: Path
    """A file that has a sound."""
    seconds: float
    """Length of the video: the rest of the sound is left out."""


def write_mp4(
    path: PathLike, frames: Iterable[Array], fps: float, crf: int = 18, sound: Soundtrack | None = None
) -> int:
    """Write frames (h, w, 3) in [0, 1] as an MP4 that plays in browsers; returns their number.

    H.264, yuv420p, index at the front; odd sides lose their last row or column, because the format needs even
    ones. `crf` is from 0 (lossless) to 51; `sound` is encoded as AAC. The file appears under its name only when it
    is complete. Raises OutputError if it cannot be written, MissingDependencyError if there is no ffmpeg.
    """
    path = Path(path)
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise OutputError(f"{path}: a video needs at least one frame")
    height, width = (side // 2 * 2 for side in first.shape[:2])
    pictures = (to_bytes(f[:height, :width]) for f in itertools.chain([first], frames))
    with replacing(path) as part:
        return encode(_command(part, (width, height), fps, crf, sound), pictures)


def encode(command: list[str], pictures: Iterable[Array]) -> int:
    """Pipe frames (h, w, 3) uint8 into ffmpeg; returns their number. Raises OSError with ffmpeg's reason."""
    count = 0
    # In its own session, Ctrl-C does not reach ffmpeg, and it cannot overwrite the progress bar.
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log, start_new_session=True) as process,
    ):
        assert process.stdin is not None
        try:
            for picture in pictures:
                process.stdin.write(np.ascontiguousarray(picture).data)
                count += 1
            process.stdin.close()
            process.wait()
        except BrokenPipeError:
            pass  # ffmpeg gave up, and its log says why
        except BaseException:  # Ctrl-C while ffmpeg ends its work, too: it must not outlive this process
            process.kill()
            raise
        if process.wait() != 0:
            log.seek(0)
            lines = log.read().decode(errors="replace").strip().splitlines() or ["ffmpeg failed"]
            raise OSError(re.sub(r"^\[.*?\] ", "", lines[0]))  # later lines are consequences of the first
    return count


def _command(path: Path, size: tuple[int, int], fps: float, crf: int, sound: Soundtrack | None) -> list[str]:
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*size), "-r", str(fps), "-i", "-"]
    audio = ["-an"]
    if sound is not None:
        source += opened(sound.path, SOUNDS)
        audio = ["-map", "0:v", "-map", "1:a:0", "-c:a", "aac", "-b:a", "192k", "-t", f"{sound.seconds:.6f}"]
    coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", str(crf), "-preset", "fast"]
    target = ["-movflags", "+faststart", "-f", "mp4", f"file:{path}"]
    return [ffmpeg_program("writing"), "-y", "-loglevel", "error", *source, *audio, *coding, *target]
