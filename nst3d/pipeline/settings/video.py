"""The settings with which a video is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nst3d.bounds import Within, check_bounds


@dataclass(frozen=True)
class VideoOptions:
    """All settings for painting a video."""

    size: Annotated[int, Within(0, 8192)] = 0
    """Long side of the frames in pixels; 0: that of the video, which is never enlarged."""
    network: str = "wct"
    """What paints a frame: wct, with one map of features for each shot, or a teacher."""
    steady: Annotated[float, Within(0, 0.95)] = 0.85
    """Share of a frame that is taken from the one before along the motion; 0: each frame on its own."""
    crf: Annotated[int, Within(0, 51)] = 18
    """Quality of the video: 0 is lossless, 51 worst."""
    threads: Annotated[int, Within(0, 4096)] = 0
    """CPU threads; 0: all."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid numbers."""
        check_bounds(self)
