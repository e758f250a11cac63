"""Reads the frames of a video with imageio-ffmpeg's ffmpeg, turned upright as the file says."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.tensors import Array
from nst3d.video.clip import Clip
from nst3d.video.program import ffmpeg_program, opened, reason

Frames: TypeAlias = Generator[Array, None, None]
"""Frames as they are decoded; close it to end the decoder before the last one."""


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


def read_clip_frames(clip: Clip, first: int = 0, size: tuple[int, int] | None = None) -> Frames:
    """The frames (h, w, 3) uint8 of a clip in order, from number `first` on, counted from 0.

    They are upright, at the clip's constant rate, with square pixels; `size` is the (height, width) that they are
    scaled to. There are none if the number is beyond the last one. Raises InputError and MissingDependencyError like
    `read_grey`.
    """
    filters = [f"fps={clip.rate}"] if clip.variable else []
    if first:
        filters.append(f"select=gte(n\\,{first})")
    if clip.hdr:
        filters += [
            "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709"
        ]
    if clip.transparent:
        filters += ["format=gbrap,premultiply=inplace=1"]
    square = "trunc(iw*max(sar\\,1)):trunc(ih/min(sar\\,1)):flags=bicubic"
    fit = square if size is None else f"{size[1]}:{size[0]}:flags=area"
    return _decoded(clip.path, [*filters, f"scale={fit}", "format=rgb24"], "ppm", least=0 if first else 1)


def _decoded(path: Path, filters: Sequence[str], codec: str, least: int = 1) -> Frames:
    """The filtered frames of a video: (h, w) for the codec pgm, (h, w, 3) for ppm; at least so many."""
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a video")
    # Even times, passed on as they are: ffmpeg neither repeats nor drops frames of a video whose rate varies.
    chain = ",".join([*filters, "setpts=N/(25*TB)"])
    coding = ["-vf", chain, "-fps_mode", "passthrough", "-c:v", codec]
    target = ["-map", "0:V:0", *coding, "-f", "image2pipe", "-"]
    command = [ffmpeg_program("reading"), "-nostdin", "-loglevel", "error", *opened(path), *target]
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
        if failed or count < least:
            log.seek(0)
            raise InputError(f"{path}: cannot be read as a video ({reason(log.read(), path)})")


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
