"""Reads the frames of a video with imageio-ffmpeg's ffmpeg, turned upright as the file says."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.tensors import Array
from nst3d.video.program import ffmpeg_program

# Playlists and lists of files, which ffmpeg also reads, would make it open what a user's file names.
_CONTAINERS = "mov,matroska,webm,avi,mpeg,mpegts,asf"
_RATE = "25"
"""Any constant rate: with it, ffmpeg neither repeats nor drops frames of a video whose rate varies."""


def read_grey(path: PathLike, long_side: int) -> Iterator[Array]:
    """Every frame (h, w) uint8 in grey, no side longer than `long_side` pixels, in order.

    Raises InputError if the file is missing or not a video that ffmpeg reads, MissingDependencyError without
    ffmpeg.
    """
    fit = f"scale=w='min({long_side},iw)':h='min({long_side},ih)':force_original_aspect_ratio=decrease"
    return _decoded(Path(path), [fit, "format=gray"], "pgm")


def read_frames(path: PathLike, numbers: Sequence[int]) -> Iterator[Array]:
    """The frames (h, w, 3) uint8 of these numbers, counted from 0 and ascending, at full size.

    Raises InputError and MissingDependencyError like `read_grey`.
    """
    chosen = "+".join(f"eq(n,{number})" for number in numbers)
    return _decoded(Path(path), [f"select='{chosen}'", "format=rgb24"], "ppm")


def _decoded(path: Path, filters: Sequence[str], codec: str) -> Iterator[Array]:
    """The filtered frames of a video: (h, w) for the codec pgm, (h, w, 3) for ppm."""
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a video")
    chain = ",".join([*filters, f"setpts=N/({_RATE}*TB)"])
    source = ["-protocol_whitelist", "file", "-format_whitelist", _CONTAINERS, "-i", f"file:{path}"]
    target = ["-an", "-sn", "-dn", "-vf", chain, "-r", _RATE, "-f", "image2pipe", "-c:v", codec, "-"]
    command = [ffmpeg_program("reading"), "-nostdin", "-loglevel", "error", *source, *target]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, start_new_session=True) as process,
    ):
        assert process.stdout is not None
        try:
            count = 0
            while (frame := _next_frame(process.stdout)) is not None:
                count += 1
                yield frame
            failed = process.wait() != 0
        finally:  # Ctrl-C, or a reader that has seen enough: it must not outlive this process
            process.kill()
        if failed or not count:
            log.seek(0)
            raise InputError(f"{path}: cannot be read as a video ({_reason(log.read(), path)})")


def _next_frame(stream: IO[bytes]) -> Array | None:
    """The next picture of a stream of binary PGM or PPM; None at its end, or if it ends within one."""
    kind = stream.readline().strip()
    if kind not in (b"P5", b"P6"):
        return None
    width, height = map(int, stream.readline().split())
    stream.readline()  # the largest value, 255
    shape = (height, width) if kind == b"P5" else (height, width, 3)
    data = stream.read(int(np.prod(shape)))
    return np.frombuffer(data, np.uint8).reshape(shape) if len(data) == np.prod(shape) else None


def _reason(log: bytes, path: Path) -> str:
    lines = log.decode(errors="replace").strip().splitlines() or ["it has no frames"]
    return re.sub(r"^\[.*?\] ", "", lines[-1]).replace(f"file:{path}: ", "")
