"""The settings with which a video is painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError
from nst3d.flow.choose import FlowName
from nst3d.stylize.teachers.registry import check_teacher

Way = Literal["network", "optimise"]
VideoStart = Literal["content", "teacher"]


@dataclass(frozen=True)
class VideoOptions:
    """All settings for painting a video."""

    size: Annotated[int, Within(0, 8192)] = 0
    """Long side of the frames in pixels; 0: that of the video, which is never enlarged."""
    way: Way = "network"
    """How frames are painted: by a teacher, or each optimised as a picture is, which is much slower."""
    teacher: str = "instant"
    """Name of the teacher that paints the frames, each shot by one map if it can be prepared for pictures."""
    teacher_options: Mapping[str, Any] = field(default_factory=dict)
    """The teacher's own options, by name."""
    steady: Annotated[float, Within(0, 0.95)] = 0.85
    """Share of a frame that is taken from the one before along the motion; 0: each frame on its own."""
    flow: FlowName = "auto"
    """How motion is found: raft-large, raft-small or dis; auto: the first of them whose weights are found."""
    iterations: Annotated[int, Within(1, 100_000)] = 50
    """Steps of an optimised frame; a shot's first takes four times as many."""
    start: VideoStart = "content"
    """Where optimised frames start if nothing is taken over: from their content, or from the teacher's picture."""
    passes: Annotated[int, Within(1, 16)] = 1
    """How often the frames of a shot are optimised, in alternating directions."""
    crf: Annotated[int, Within(0, 51)] = 18
    """Quality of the video: 0 is lossless, 51 worst."""
    threads: Annotated[int, Within(0, 4096)] = 0
    """CPU threads; 0: all."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid values, an unknown teacher, and settings that would do nothing."""
        check_bounds(self)
        check_teacher(self.teacher, self.teacher_options)
        if self.flow != "auto" and not self.steady:
            raise ConfigError("`flow` finds the motion that `steady=0` does not follow: give one of them")
        if self.way == "network":
            for name in ("iterations", "start", "passes"):
                if getattr(self, name) != getattr(VideoOptions, name):
                    raise ConfigError(
                        f"`{name}` is for optimised frames: give `way='optimise'`, or leave it out"
                    )
            return
        if self.passes > 1 and not self.steady:
            raise ConfigError(
                "`passes` blend frames along the motion, which `steady=0` leaves out: give one of them"
            )
        given = {
            "teacher": self.teacher != VideoOptions.teacher,
            "teacher_options": bool(self.teacher_options),
        }
        idle = " and ".join(f"`{name}`" for name in given if given[name] and not self.teaches)
        if idle:
            raise ConfigError(
                f"a teacher paints no optimised frames: give `start='teacher'`, or leave out {idle}"
            )

    @property
    def teaches(self) -> bool:
        """Whether the teacher paints anything."""
        return self.way == "network" or self.start == "teacher"
