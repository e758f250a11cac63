"""Cuts a sequence of frames into shots, where neighbouring frames show different things."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from nst3d.images.levels import from_bytes
from nst3d.images.resize import resize
from nst3d.tensors import Array, Image

_GRID = (18, 32)
"""Cells, down and across, whose mean colours are compared."""
_CUT = 0.1
"""Smallest mean difference of the cells' colours, in [0, 1], that is a cut."""
_LEAP = 3.0
"""A cut is also this many times the usual difference in its shot, so that a shaken camera makes none."""
_REACH = 2
"""Cells that a picture may move from one frame to the next."""
_SAMPLES = 8


@dataclass(frozen=True)
class Shot:
    """A run of frames without a cut."""

    start: int
    """Number of the first frame."""
    end: int
    """Number after the last frame."""
    samples: tuple[Array, ...]
    """Up to 8 frames (h, w, 3) uint8, evenly spread over the shot."""


def find_shots(frames: Iterable[Array], start: int = 0) -> Iterator[Shot]:
    """The shots of frames (h, w, 3) uint8, whose first has the number `start`, as soon as each has ended.

    What is found in a shot depends on its own frames alone, so a sequence that begins with a later shot's first frame
    is cut alike. Memory does not grow with the length.
    """
    begun, number = start, start
    usual: list[float] = []
    samples = _Samples()
    before: Array | None = None
    for number, frame in enumerate(frames, start):
        cells = _cells(frame)
        change = 0.0 if before is None else _change(before, cells)
        if before is not None and change > max(_CUT, _LEAP * float(np.median(usual or [0.0]))):
            yield Shot(begun, number, samples.spread())
            begun, samples, usual = number, _Samples(), []
        elif before is not None:
            usual = [*usual[-23:], change]
        samples.add(frame)
        before = cells
    if before is not None:
        yield Shot(begun, number + 1, samples.spread())


class _Samples:
    """Evenly spread frames of a sequence whose length is not known."""

    def __init__(self) -> None:
        self._kept: list[Array] = []
        self._step, self._count = 1, 0

    def add(self, frame: Array) -> None:
        """Keep the frame if its number is a multiple of the step, which doubles when there are too many."""
        if self._count % self._step == 0:
            if len(self._kept) == 2 * _SAMPLES:
                self._kept, self._step = self._kept[::2], 2 * self._step
            if self._count % self._step == 0:
                self._kept.append(frame)
        self._count += 1

    def spread(self) -> tuple[Array, ...]:
        places = np.linspace(0, len(self._kept) - 1, min(_SAMPLES, len(self._kept))).round().astype(int)
        return tuple(self._kept[place] for place in places)


def _change(before: Array, after: Array) -> float:
    """Mean difference of two frames' cells at the small shift that explains most of it: panning is no cut."""
    height, width = (side - 2 * _REACH for side in _GRID)
    inner = after[_REACH : _REACH + height, _REACH : _REACH + width]
    shifts = itertools.product(range(2 * _REACH + 1), repeat=2)
    return min(float(np.abs(before[y : y + height, x : x + width] - inner).mean()) for y, x in shifts)


def _cells(frame: Array) -> Array:
    """Mean colours (18, 32, 3) in [0, 1], of every few pixels of a large frame."""
    step = max(1, min(frame.shape[:2]) // (4 * _GRID[0]))
    return resize(Image(torch.from_numpy(from_bytes(frame[::step, ::step]))), _GRID).numpy()
