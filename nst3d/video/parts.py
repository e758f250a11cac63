"""Writes a long video in parts, and joins them with the sound of another file."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from nst3d.errors import OutputError
from nst3d.files import replacing
from nst3d.tensors import Array
from nst3d.video.clip import Clip
from nst3d.video.encode import encode
from nst3d.video.program import ffmpeg_program, opened

COPIED_SOUND = ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac")
"""Codecs of sound that MP4 holds and players know; others become AAC."""


def write_part(path: Path, frames: Iterable[Array], size: tuple[int, int], rate: Fraction, crf: int) -> None:
    """Write frames (h, w, 3) uint8 of a `size` (height, width) as a bare H.264 stream, for `join_parts`.

    Odd sides lose their last row or column. Without frames that refer to later ones, so that the stream needs no
    times. Raises OutputError if it cannot be written.
    """
    height, width = (side // 2 * 2 for side in size)
    pictures = (np.ascontiguousarray(frame[:height, :width]) for frame in frames)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "-"]
    # The matrix and range are written down, or players guess them by the size.
    colour = [
        "-vf",
        "scale=out_color_matrix=bt709:out_range=tv",
        "-colorspace",
        "bt709",
        "-color_primaries",
        "bt709",
    ]
    coding = ["-color_trc", "bt709", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "0", "-crf", str(crf)]
    with replacing(path) as part:
        target = ["-preset", "fast", "-f", "h264", f"file:{part}"]
        program = [ffmpeg_program("writing"), "-y", "-loglevel", "error"]
        encode([*program, *source, "-an", *colour, *coding, *target], pictures)


def join_parts(path: Path, parts: Sequence[Path], clip: Clip) -> None:
    """Write the parts as one MP4 that plays in browsers, at the clip's rate and with its sound.

    Sound that MP4 cannot hold is encoded as AAC. Raises OutputError if it cannot be written.
    """
    sound = ["-c:a", "copy" if set(clip.audio) <= set(COPIED_SOUND) else "aac"]
    streams = ["-map", "0:v", *(["-map", "1:a", *sound] if clip.audio else [])]
    picture = ["-itsoffset", f"{clip.start:.6f}", "-f", "h264", "-framerate", str(clip.rate), "-i", "pipe:0"]
    with replacing(path) as part:
        # Whole ticks for each frame, without the rounding of a bare stream's own.
        ticks = [
            "-video_track_timescale",
            str(clip.rate.numerator * (1 if clip.rate.numerator > 999 else 1000)),
        ]
        target = ["-c:v", "copy", *ticks, "-movflags", "+faststart", "-f", "mp4", f"file:{part}"]
        program = [ffmpeg_program("writing"), "-y", "-loglevel", "error"]
        command = [*program, *picture, *(opened(clip.path) if clip.audio else []), *streams, *target]
        _feed(command, parts, path)


def _feed(command: Sequence[str], parts: Iterable[Path], path: Path) -> None:
    """Pipe files into ffmpeg, one after the other."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log, start_new_session=True) as process,
    ):
        assert process.stdin is not None
        try:
            for part in parts:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, process.stdin)
            process.stdin.close()
            process.wait()
        except BrokenPipeError:
            pass  # ffmpeg gave up, and its log says why
        except BaseException:
            process.kill()
            raise
        if process.wait() != 0:
            log.seek(0)
            lines = log.read().decode(errors="replace").strip().splitlines() or ["ffmpeg failed"]
            raise OutputError(f"{path}: cannot be written ({lines[0]})")
