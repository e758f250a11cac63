"""The settings with which a video is painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from nst3d.bounds import Within, check_bounds
from nst3d.stylize.teachers.registry import check_teacher


@dataclass(frozen=True)
class VideoOptions:
    """All settings for painting a video."""

    size: Annotated[int, Within(0, 8192)] = 0
    """Long side of the frames in pixels; 0: that of the video, which is never enlarged."""
    teacher: str = "instant"
    """Name of the teacher that paints the frames, each shot by one map if it can be prepared for pictures."""
    teacher_options: Mapping[str, Any] = field(default_factory=dict)
    """The teacher's own options, by name."""
    steady: Annotated[float, Within(0, 0.95)] = 0.85
    """Share of a frame that is taken from the one before along the motion; 0: each frame on its own."""
    crf: Annotated[int, Within(0, 51)] = 18
    """Quality of the video: 0 is lossless, 51 worst."""
    threads: Annotated[int, Within(0, 4096)] = 0
    """CPU threads; 0: all."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid numbers, and for a teacher or an option that is not known."""
        check_bounds(self)
        check_teacher(self.teacher, self.teacher_options)
