"""The ffmpeg that videos are written and read with."""

from __future__ import annotations

import re
from pathlib import Path

import imageio_ffmpeg

from nst3d.errors import MissingDependencyError

# Playlists and lists of files, which ffmpeg also reads, would make it open what a user's file names.
_CONTAINERS = (
    "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,ogg,gif,apng,mxf,dv,nut,rm,wtv,ivf,obu,h264,hevc,av1,m4v"
    ",yuv4mpegpipe"
)


SOUNDS = (
    "wav,w64,flac,mp3,ogg,aac,aiff,caf,au,wv,ape,tta,ac3,eac3,amr,mov,matroska,webm,avi,mpeg,mpegts,asf,flv"
)
"""Formats that hold sound, by ffmpeg's names: those of videos, too."""


def ffmpeg_program(purpose: str) -> str:
    """The path of imageio-ffmpeg's ffmpeg. Raises MissingDependencyError, which names the `purpose`, without one."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        raise MissingDependencyError(
            f"no ffmpeg for {purpose} videos: install it, or set IMAGEIO_FFMPEG_EXE to its path"
        ) from None


def opened(path: Path, containers: str = _CONTAINERS) -> list[str]:
    """The arguments that let ffmpeg open a user's file in one of the `containers`, and nothing that the file names."""
    return ["-protocol_whitelist", "file", "-format_whitelist", containers, "-i", f"file:{path}"]


def reason(log: bytes, path: Path) -> str:
    """The last line of ffmpeg's log, without the file's name and the part of ffmpeg that wrote it.

    For a file that is in none of the containers which are opened, it says that.
    """
    if b"not on whitelist" in log:
        return "it is in none of the formats of videos"
    lines = log.decode(errors="replace").strip().splitlines() or ["it has no frames"]
    return re.sub(r"^\[.*?\] ", "", lines[-1]).replace(f"file:{path}: ", "")
