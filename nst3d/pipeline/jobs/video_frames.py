"""Paints the frames of a video in parts, each of which is kept when it is whole."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

import numpy as np

from nst3d.images.io import write_image
from nst3d.images.levels import from_bytes, to_bytes
from nst3d.pipeline.jobs.video_state import Progress, VideoState
from nst3d.pipeline.runtime.events import Counted, Events
from nst3d.stylize.clips.steady import Moment, SteadyPainter
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


@dataclass
class FrameRun:
    """The painting of a video's frames, as far as it has come."""

    task: FrameTask
    painter: SteadyPainter
    state: VideoState
    events: Events
    progress: Progress
    last: Moment | None = None
    seconds: float = 0.0
    """Time spent on frames in this process."""
    first: int = field(init=False)
    """Number of the first frame that this process paints."""
    prepared: float = 0.0
    """Time of `seconds` that passed before the first of them: a shot is read to its end before it is painted."""

    def __post_init__(self) -> None:
        """Remember where this process begins."""
        self.first = self.progress.done

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
        clip, size, began = self.task.clip, self.task.size, time.perf_counter()
        frames = stack.enter_context(closing(read_clip_frames(clip, self.progress.done, size)))
        # A second reader runs ahead to the shot's end, as its frames are painted alike.
        ahead = stack.enter_context(closing(read_clip_frames(clip, self.progress.shot, size)))
        for shot in find_shots(ahead, self.progress.shot):
            self._begin(shot)
            self.prepared = self.prepared or time.perf_counter() - began
            for frame in itertools.islice(frames, shot.end - self.progress.done):
                if stopped():
                    raise StoppedError
                yield self._paint(frame, shot)
                self.seconds = time.perf_counter() - began
                self._count()

    def _begin(self, shot: Shot) -> None:
        self.painter.begin(shot.samples)
        if self.progress.done == shot.start:
            self.progress = replace(self.progress, shots=self.progress.shots + 1)

    def _paint(self, frame: Array, shot: Shot) -> Array:
        moment, steadiness = self.painter.paint(frame, self.last)
        picture = to_bytes(to_image(moment.picture))
        if self.progress.done in self.task.shown:
            pair = np.concatenate([frame, picture], axis=0)
            write_image(self.state.pair(self.progress.done), from_bytes(pair))
        self.progress = self.progress.after(steadiness, shot.end)
        self.last = None if self.progress.done == shot.end else moment
        return picture

    def _count(self) -> None:
        """Tell how far it is; the time is that which all frames would have taken at this process's pace."""
        done, total = self.progress.done, max(self.task.clip.frames, self.progress.done)
        seconds = (self.seconds - self.prepared) * done / max(done - self.first, 1)
        self.events.tell(Counted(done, total, "frames", seconds))
