"""Writes frames as H.264 in MP4 (through the ffmpeg that imageio-ffmpeg brings) or as PNG files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from nst3d.errors import OutputError
from nst3d.images.io import to_bytes, write_image
from nst3d.tensors import Array


def write_mp4(path: Path, frames: Iterable[Array], fps: float, crf: int = 18) -> int:
    """Write frames (h, w, 3) in [0, 1] as an MP4 that plays in browsers; returns how many.

    H.264, yuv420p, index at the front; odd sides lose their last row or column, as the format wants even
    ones. The file appears under its name only when it is complete. `crf` from 0 (lossless) to 51.
    """
    part = path.with_name(f".{path.stem}.part.mp4")
    count = 0
    try:
        writer = None
        for frame in frames:
            height, width = frame.shape[0] // 2 * 2, frame.shape[1] // 2 * 2
            if writer is None:
                writer = _open(part, (width, height), fps, crf)
                writer.send(None)
            writer.send(np.ascontiguousarray(to_bytes(frame[:height, :width])))
            count += 1
        if writer is None:
            raise OutputError(f"{path}: a video needs at least one frame")
        writer.close()
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"{path}: the video cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def _open(path: Path, size: tuple[int, int], fps: float, crf: int):  # type: ignore[no-untyped-def]
    return imageio_ffmpeg.write_frames(
        str(path),
        size,
        fps=fps,
        codec="libx264",
        pix_fmt_in="rgb24",
        pix_fmt_out="yuv420p",
        macro_block_size=2,
        output_params=["-crf", str(crf), "-preset", "fast", "-movflags", "+faststart"],
        ffmpeg_log_level="error",
    )


def write_pngs(folder: Path, frames: Iterable[Array]) -> int:
    """Write frames (h, w, 3) in [0, 1] as folder/frame_00000.png …; returns how many."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({error.strerror or error})") from error
    count = 0
    for count, frame in enumerate(frames, start=1):
        write_image(folder / f"frame_{count - 1:05d}.png", frame)
    return count
