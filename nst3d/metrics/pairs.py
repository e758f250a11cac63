"""What is measured on pairs of pictures that should show the same: a frame, and another one carried to its place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from nst3d.metrics.measured import Better, Measured
from nst3d.tensors import Array

LEAST_VALID = 0.01
"""The share of a frame's pixels below which a pair says nothing."""

Distance: TypeAlias = Callable[[Array, Array, Array], float]
"""Of two pictures (h, w, 3) float32 in [0, 1]: the mean of a map of distances over a mask (h, w) bool.

With a mask that is true everywhere it is the distance of the whole pictures, as published.
"""


@dataclass(frozen=True)
class Perceptual:
    """A perceptual distance such as LPIPS, or the reason why there is none."""

    name: str
    """With the network in it, such as lpips_vgg."""
    distance: Distance | None = None
    reason: str | None = None
    most: int | None = None
    """How many pairs of a flight it is measured on, spread evenly from the first to the last; None: on all."""

    def __post_init__(self) -> None:
        """Raise ValueError unless there is a distance, or a reason why there is none."""
        if (self.distance is None) == (self.reason is None):
            raise ValueError(f"{self.name}: either a distance or a reason why there is none")

    def chosen(self, pairs: int) -> set[int]:
        """The numbers of those of some pairs that it is measured on: the same for all paintings."""
        if self.most is None or pairs <= self.most:
            return set(range(pairs))
        return {round(each) for each in np.linspace(0, pairs - 1, self.most)}


class Pair(NamedTuple):
    """A frame and another one as it would look from there."""

    here: Array
    """(h, w, 3)."""
    carried: Array
    """(h, w, 3); equal to `here` where not valid, so that filters across the border of the mask see no step."""
    valid: Array
    """(h, w) bool: both show the same points."""


def pair_of(here: Array, carried: Array, valid: Array) -> Pair | None:
    """The pair, or None if fewer than `LEAST_VALID` of the pixels are valid."""
    if valid.mean() < LEAST_VALID:
        return None
    return Pair(here, np.where(valid[..., None], carried, here).astype(np.float32), valid)


@dataclass(frozen=True)
class Protocol:
    """How pairs came to be, for the names and notes of what is measured on them."""

    name: str
    span: int | str
    """The gap between frames, or a word for it."""
    reason: str | None = None
    """Why there are no pairs."""
    note: str = ""

    def consistency(
        self,
        metric: str,
        values: Iterable[float | None],
        reason: str | None = None,
        better: Better = "lower",
        note: str = "",
    ) -> Measured:
        """{name}_{metric}_{span}: the values of the pairs, None for those with too few pixels in common.

        Without values it has the reason of the protocol, otherwise the one given here.
        """
        values = tuple(values)
        why = self.reason or reason
        if why is None and all(value is None for value in values):
            why = f"no two frames have {LEAST_VALID:.0%} of their pixels in common"
        name = f"{self.name}_{metric}_{self.span}"
        notes = "; ".join(filter(None, (self.note, note)))
        return Measured(name, "consistency", better, () if why else values, why, notes)


def compared(
    pairs: Iterable[Pair | None], perceptual: Perceptual, protocol: Protocol
) -> tuple[Measured, Measured]:
    """The RMSE (of 1, over valid pixels and channels) of each pair, and the perceptual distance of those chosen."""
    found = () if protocol.reason else tuple(pairs)
    errors = [None if pair is None else rmse(pair) for pair in found]
    chosen, distance, note = perceptual.chosen(len(found)), perceptual.distance, ""
    distances: list[float | None] = []
    if distance is not None:
        distances = [
            None if pair is None or number not in chosen else float(distance(*pair))
            for number, pair in enumerate(found)
        ]
        note = f"{len(chosen)} of {len(found)} pairs" if len(chosen) < len(found) else ""
    return (
        protocol.consistency("rmse", errors),
        protocol.consistency(perceptual.name, distances, perceptual.reason, note=note),
    )


def rmse(pair: Pair) -> float:
    """The root mean square difference over valid pixels and channels."""
    difference = pair.here[pair.valid].astype(np.float64) - pair.carried[pair.valid]
    return math.sqrt(float(np.mean(difference**2)))
