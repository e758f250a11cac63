"""Paints the frames of a shot in passes; each frame is kept on disk as soon as it is painted."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.flow.method import FlowMethod
from nst3d.images.io import read_image, write_image
from nst3d.images.levels import from_bytes, to_bytes
from nst3d.pipeline.jobs.video_frames import FrameTask, StoppedError
from nst3d.pipeline.jobs.video_state import VideoState
from nst3d.pipeline.jobs.video_tally import Tally
from nst3d.stylize.clips.optimised import OptimisedFrames
from nst3d.stylize.clips.steady import Moment, Steadiness, steadiness
from nst3d.tensors import Array, Planes, planes_of, to_image
from nst3d.video.decode import read_clip_frames
from nst3d.video.shots import Shot


class OptimisedShots:
    """Optimises the frames of shots, in passes of alternating directions (Ruder et al. 2016, section 5.3).

    A frame is carried on as it is kept, in 8 bits, so that a run that is resumed ends like one that was not stopped.
    """

    def __init__(
        self,
        frames: OptimisedFrames,
        flow: FlowMethod | None,
        task: FrameTask,
        state: VideoState,
        tally: Tally,
    ) -> None:
        """`flow` compares the painted frames; None: they are not compared."""
        self.tally = tally
        self._frames, self._flow, self._task, self._state = frames, flow, task, state

    def begin(self, shot: Shot, stopped: Callable[[], bool]) -> None:
        """Paint all frames of a shot that are not on disk. StoppedError as soon as `stopped`."""
        self._frames.begin(shot.samples)
        numbers = range(shot.start, shot.end)
        whole = self._whole(numbers)
        self.tally.skip(whole * len(numbers))
        for turn in range(whole + 1, self._task.passes + 1):
            self._pass(turn, numbers, stopped)
            self._state.forget(turn - 1, numbers)

    def _whole(self, numbers: range) -> int:
        """How many passes have painted all of these frames; of those before the last, nothing is left."""
        turns = range(1, self._task.passes + 1)
        return max((turn for turn in turns if self._state.painted(turn, numbers) == len(numbers)), default=0)

    def paint(self, number: int, frame: Array, before: Moment | None) -> tuple[Moment, Steadiness | None]:
        """The moment of a frame (h, w, 3) uint8 after the one before; its steadiness is None without either."""
        picture = planes_of(_read(self._state.painting(self._task.passes, number))[1])
        found = None
        if before is not None and self._flow is not None:
            found = steadiness(self._flow, frame, before, picture)
        return Moment(frame, picture, picture), found

    def facts(self) -> dict[str, Any]:
        """Steps, passes and the time that a frame takes, in all of its passes."""
        seconds = self.tally.seconds / max(self.tally.painted, 1) * self._task.passes
        return {
            "iterations": self._frames.iterations,
            "passes": self._task.passes,
            "seconds_per_frame": round(seconds, 2),
        }

    def _pass(self, turn: int, numbers: range, stopped: Callable[[], bool]) -> None:
        near: deque[Moment] = deque(maxlen=self._frames.reach)
        self.tally.begin()

        def stepped(cost: float) -> None:
            if stopped():
                raise StoppedError
            self.tally.step(cost, self._frames.iterations)

        with closing(self._sources(turn, numbers)) as sources:
            for number, frame, own in sources:
                path = self._state.painting(turn, number)
                if path.exists():
                    picture = _read(path)[1]
                    self.tally.skip()
                else:
                    picture = to_bytes(to_image(self._frames.paint(frame, near, own, stepped)))
                    write_image(path, from_bytes(np.concatenate([frame, picture])))
                    self.tally.add()
                planes = planes_of(picture)
                near.appendleft(Moment(frame, planes, planes))

    def _sources(self, turn: int, numbers: range) -> Generator[tuple[int, Array, Planes | None], None, None]:
        """The frames of a pass in its order, (h, w, 3) uint8, with their numbers and pictures of the last pass."""
        if turn > 1:
            for number in numbers if turn % 2 else reversed(numbers):
                frame, picture = _read(self._state.painting(turn - 1, number))
                yield number, frame, planes_of(picture)
            return
        with closing(read_clip_frames(self._task.clip, numbers.start, self._task.size)) as frames:
            for number, frame in zip(numbers, itertools.islice(frames, len(numbers))):
                yield number, frame, None


def _read(path: Path) -> tuple[Array, Array]:
    """A frame and its picture, (h, w, 3) uint8 each, as they are kept: one above the other."""
    pair = to_bytes(read_image(path).pixels)
    height = pair.shape[0] // 2
    return pair[:height], pair[height:]
