"""The ffmpeg that videos are written and read with."""

from __future__ import annotations

import imageio_ffmpeg

from nst3d.errors import MissingDependencyError


def ffmpeg_program(purpose: str) -> str:
    """The path of imageio-ffmpeg's ffmpeg. Raises MissingDependencyError, which names the `purpose`, without one."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        raise MissingDependencyError(
            f"no ffmpeg for {purpose} videos: install it, or set IMAGEIO_FFMPEG_EXE to its path"
        ) from None
