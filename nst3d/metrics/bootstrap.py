"""How sure a result is: bootstrap over views, and a sign test for votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst3d.metrics.measured import Measured

_DRAWS = 10_000
_LEAST = 2
"""Views from which an interval can be drawn."""


class Interval(NamedTuple):
    """A mean and the interval in which it would lie for other views of the same kind."""

    mean: float
    low: float
    high: float
    views: int
    """How many views, or pairs of views, were measured."""


def interval(
    values: Sequence[float | None], confidence: float = 0.95, seed: int = 0, draws: int = _DRAWS
) -> Interval | None:
    """The mean of the known values with its percentile bootstrap interval; None if fewer than two are known.

    Views are drawn with replacement, with an equal seed for equal results. It is too narrow for few views and for
    frames that resemble each other, as neighbours in a flight do. ValueError unless 0 < `confidence` < 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence must be between 0 and 1, not {confidence}")
    known = np.array([value for value in values if value is not None], np.float64)
    if len(known) < _LEAST:
        return None
    chosen = np.random.default_rng(seed).integers(len(known), size=(draws, len(known)))
    low, high = np.quantile(known[chosen].mean(1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(known.mean()), float(low), float(high), len(known))


def paired_interval(
    one: Measured, other: Measured, confidence: float = 0.95, seed: int = 0, draws: int = _DRAWS
) -> Interval | None:
    """The interval of the mean difference `one` − `other` over views that both could measure; None if fewer than two.

    Each view is compared with itself, so that hard and easy views do not widen it; if it excludes 0, the difference is
    more than chance. ValueError for other metrics or numbers of views.
    """
    if one.name != other.name:
        raise ValueError(f"{one.name} and {other.name} are different metrics")
    if len(one.values) != len(other.values):
        raise ValueError(
            f"{one.name} was measured on {len(one.values)} and {len(other.values)} views, which are not the same"
        )
    pairs = zip(one.values, other.values)
    differences = [None if a is None or b is None else a - b for a, b in pairs]
    return interval(differences, confidence, seed, draws)


def sign_test(wins: int, losses: int) -> float:
    """The two-sided p-value of votes for one of two runs, if it were a coin's toss: exact binomial.

    Ties are left out. 1 without votes. ValueError for negative numbers.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"votes cannot be negative: {wins} and {losses}")
    total, fewer = wins + losses, min(wins, losses)
    ways = tail = 1  # of no vote, then of up to `fewer`
    for k in range(fewer):
        ways = ways * (total - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / 2**total)
