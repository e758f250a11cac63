"""Paints the frames of a video in parts, each of which is kept when it is whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from nst3d.images.io import write_image
from nst3d.images.levels import from_bytes, to_bytes
from nst3d.pipeline.jobs.video_state import Progress, VideoState
from nst3d.pipeline.jobs.video_tally import Tally
from nst3d.stylize.clips.steady import Moment, Steadiness, SteadyPainter
from nst3d.tensors import Array, ImageSize, to_image
from nst3d.video.clip import Clip
from nst3d.video.decode import read_clip_frames
from nst3d.video.parts import write_part
from nst3d.video.shots import Shot, find_shots

PART = 48
"""Frames of a part; what is stopped within one begins it again."""


class StoppedError(Exception):
    """The user stopped the painting; the parts that are whole are kept."""


@dataclass(frozen=True)
class FrameTask:
    """What is painted, and how it is written."""

    clip: Clip
    size: ImageSize
    crf: int
    shown: Sequence[int]
    """Numbers of the frames whose pictures before and after are kept."""
    passes: int = 1
    """How often a frame is painted."""


class ShotPainter(Protocol):
    """Paints the frames of shots one after the other."""

    tally: Tally

    def begin(self, shot: Shot, stopped: Callable[[], bool]) -> None:
        """Prepare for a shot; also for one of which frames were painted by an earlier run."""

    def paint(self, number: int, frame: Array, before: Moment | None) -> tuple[Moment, Steadiness | None]:
        """The moment of a frame (h, w, 3) uint8 with a number, after the one before; None at the start of a shot."""

    def facts(self) -> dict[str, Any]:
        """What metrics say of how it paints, and how fast."""


class TaughtShots:
    """Paints each frame of a shot as it comes."""

    def __init__(self, painter: SteadyPainter, teacher: str, tally: Tally) -> None:
        """`teacher` is its name in reports."""
        self.tally, self._painter, self._teacher = tally, painter, teacher

    def begin(self, shot: Shot, stopped: Callable[[], bool]) -> None:
        """Prepare for a shot by the frames that are spread over it."""
        self._painter.begin(shot.samples)
        self.tally.begin()

    def paint(self, number: int, frame: Array, before: Moment | None) -> tuple[Moment, Steadiness | None]:
        """The moment of a frame (h, w, 3) uint8 after the one before."""
        painted = self._painter.paint(frame, before)
        self.tally.add()
        return painted

    def facts(self) -> dict[str, Any]:
        """The teacher and its speed."""
        rate = self.tally.painted / max(self._painter.seconds, 1e-9)
        return {"teacher": self._teacher, "teacher_frames_per_second": round(rate, 3)}


@dataclass
class FrameRun:
    """The painting of a video's frames, as far as it has come."""

    task: FrameTask
    painter: ShotPainter
    state: VideoState
    progress: Progress
    last: Moment | None = None

    def finish(self, stopped: Callable[[], bool]) -> None:
        """Paint all frames that are left. StoppedError as soon as `stopped`; InputError and OutputError."""
        if self.progress.finished:
            return
        with ExitStack() as stack:
            pictures = self._pictures(stack, stopped)
            while (picture := next(pictures, None)) is not None:
                part = self.state.part(self.progress.done - 1)
                rest = itertools.islice(pictures, PART - 1)
                write_part(
                    part, itertools.chain([picture], rest), self.task.size, self.task.clip.rate, self.task.crf
                )
                self.state.save(self.progress, self.last)
        self.progress = replace(self.progress, finished=True)
        self.state.save(self.progress, None)

    def _pictures(self, stack: ExitStack, stopped: Callable[[], bool]) -> Iterator[Array]:
        """The painted frames (h, w, 3) uint8 that are left."""
        clip, size = self.task.clip, self.task.size
        frames = stack.enter_context(closing(read_clip_frames(clip, self.progress.done, size)))
        # A second reader runs ahead to the shot's end, as its frames are painted alike.
        ahead = stack.enter_context(closing(read_clip_frames(clip, self.progress.shot, size)))
        for shot in find_shots(ahead, self.progress.shot):
            self._begin(shot, stopped)
            for frame in itertools.islice(frames, shot.end - self.progress.done):
                if stopped():
                    raise StoppedError
                yield self._paint(frame, shot)

    def _begin(self, shot: Shot, stopped: Callable[[], bool]) -> None:
        self.painter.begin(shot, stopped)
        if self.progress.done == shot.start:
            self.progress = replace(self.progress, shots=self.progress.shots + 1)

    def _paint(self, frame: Array, shot: Shot) -> Array:
        moment, steadiness = self.painter.paint(self.progress.done, frame, self.last)
        picture = to_bytes(to_image(moment.picture))
        if self.progress.done in self.task.shown:
            pair = np.concatenate([frame, picture], axis=0)
            write_image(self.state.pair(self.progress.done), from_bytes(pair))
        self.progress = self.progress.after(steadiness, shot.end)
        self.last = None if self.progress.done == shot.end else moment
        return picture
