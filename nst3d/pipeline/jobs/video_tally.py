"""Counts the frames of a video as they are painted."""

from __future__ import annotations

import time

from nst3d.pipeline.runtime.events import Counted, Events

_TELL_AFTER = 5.0
"""Seconds of steps after which their pace is known well enough."""


class Tally:
    """How many frames are painted, and how long that takes."""

    def __init__(self, total: int, done: int, events: Events) -> None:
        """`done` of `total` frames were painted by earlier runs; a frame counts once for each of its passes."""
        self._total, self._done, self._events = total, done, events
        self._began: float | None = None
        self._paced: float | None = None  # when the first step was taken
        self._steps, self._told = 0.0, False
        self.painted = 0
        """Frames painted by this run."""
        self.seconds = 0.0
        """Seconds that they took."""

    def begin(self) -> None:
        """Start the clock, unless it runs."""
        if self._began is None:
            self._began = time.perf_counter()

    def skip(self, count: int = 1) -> None:
        """Count frames that an earlier run painted."""
        self._done += count

    def add(self) -> None:
        """Count a frame, and tell how far it is; the time is that which all frames would have taken in this run."""
        self._done, self.painted, self.seconds = self._done + 1, self.painted + 1, self._elapsed()
        seconds = self.seconds * self._done / self.painted
        self._events.tell(Counted(self._done, max(self._total, self._done), "frames", seconds))

    def step(self, cost: float, steps: int) -> None:
        """Count a step, by its cost relative to those of a frame that takes `steps`; notes early what all will take."""
        if self._told:
            return
        if self._paced is None:  # the first one also prepares
            self._paced = time.perf_counter()
            return
        self._steps, seconds = self._steps + cost, time.perf_counter() - self._paced
        if seconds >= _TELL_AFTER:
            frame = seconds / self._steps * steps
            left = frame * max(self._total - self._done, 1)
            self._events.note(f"a frame takes about {_duration(frame)}, all that are left {_duration(left)}")
            self._told = True

    def _elapsed(self) -> float:
        return 0.0 if self._began is None else time.perf_counter() - self._began


def _duration(seconds: float) -> str:
    """12 s, 3.5 min, 7 h."""
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 6000 else f"{seconds / 3600:.2g} h"
