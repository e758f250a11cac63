"""A picture of the painting in progress, in the results' folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from nst3d.images.io import write_image
from nst3d.pipeline.runtime.events import Handler, Ready, Stepped

PREVIEW = "preview.png"
_FIRST = 8.0
"""Seconds until the first picture of paint: with what else a command does before, people see it within 15."""
_EVERY = 5.0
"""Seconds between pictures."""
_SHARE = 0.05
"""Largest share of the time that drawing takes, once the cost of a picture is known."""


class EarlyLook(Handler):
    """Writes `preview.png` while a scene is painted, each time whole or not at all.

    Like a progressive render, it stands in for the sheet: remove it once that exists.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        """`folder` is the job's; `clock` gives seconds."""
        self._path, self._clock = folder / PREVIEW, clock
        self._due = clock() + _FIRST

    def ready(self, event: Ready) -> None:
        """Draw the scene in the colours that it starts from: the first step may be far."""
        write_image(self._path, event.preview(None).over(1.0))

    def step(self, event: Stepped) -> None:
        """Draw the scene if it is time."""
        started = self._clock()
        if started < self._due:
            return
        write_image(self._path, event.preview(None).over(1.0))
        ended = self._clock()
        self._due = ended + max(_EVERY, (ended - started) / _SHARE)

    def remove(self) -> None:
        """Remove the picture, an earlier run's included."""
        self._path.unlink(missing_ok=True)
