"""Which stills to match with each other: all with all, or neighbours in time and those that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch

from nst3d.tensors import Array

ALL = 200
"""Number of photographs up to which all pairs are matched."""
_NEAR = 10
"""Number of neighbours in order that each still is matched with; beyond, those 2, 4, 8 … times as far."""
_ALIKE = 12
"""Number of others that each still is matched with because they look alike."""
STRONGEST = 300
"""Number of a still's largest features by which it is compared with all others."""
_BLOCK = 32
"""Number of stills that one is compared with at a time."""
_RATIO = 0.8
"""Largest ratio of the distances to the best and second best match of a feature."""


def all_pairs(count: int) -> list[tuple[int, int]]:
    """All pairs of stills, as ascending indices."""
    return list(combinations(range(count), 2))


def ordered_pairs(count: int) -> set[tuple[int, int]]:
    """Pairs of stills that follow each other closely, and some at distances of powers of two."""
    gaps = {*range(1, _NEAR + 1), *(2**power for power in range(4, count.bit_length()))}
    return {(i, i + gap) for gap in gaps for i in range(count - gap)}


def alike_pairs(features: Sequence[Array]) -> set[tuple[int, int]]:
    """Pairs of stills, as ascending indices, whose largest features match best.

    `features` are each still's descriptors (k, 128), k at most `STRONGEST`; some may have none. Each still is paired
    with the 12 others that share most matches with it. Unlike a vocabulary of words this needs no file. Its
    cost grows with the square of the number of stills; up to some thousand it is below that of matching the pairs.
    """
    rows = _padded(features)
    shared = np.zeros((len(rows), len(rows)), int)
    for i in range(len(rows)):
        for start in range(i + 1, len(rows), _BLOCK):
            shared[i, start : start + _BLOCK] = _shared(rows[i], rows[start : start + _BLOCK])
    shared += shared.T
    best = np.argsort(-shared, axis=1, kind="stable")[:, :_ALIKE]
    return {(min(i, j), max(i, j)) for i, row in enumerate(best.tolist()) for j in row if shared[i, j]}


def _padded(features: Sequence[Array]) -> torch.Tensor:
    """The descriptors as unit vectors (n, k, 128); rows of zeros for stills with fewer than k."""
    rows = torch.zeros(len(features), max([len(f) for f in features], default=0), 128)
    for row, given in zip(rows, features):
        row[: len(given)] = torch.as_tensor(np.array(given, np.float32).reshape(-1, 128))
    return torch.nn.functional.normalize(rows, dim=2)


def _shared(own: torch.Tensor, others: torch.Tensor) -> Array:
    """Number of `own` features (k, 128) whose best match in each of the `others` (b, k, 128) is clearly the best."""
    cosines = own @ others.transpose(1, 2)
    first, place = cosines.max(2, keepdim=True)
    second = cosines.scatter(2, place, -1.0).amax(2)
    best, next_best = ((2 - 2 * c).clamp_min(0).sqrt() for c in (first[..., 0], second))
    # A match with nothing, a row of zeros, is at a right angle: at least as far as any other.
    return (best < _RATIO * next_best).sum(1).numpy()
