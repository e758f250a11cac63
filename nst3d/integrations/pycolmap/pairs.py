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
    with the 12 others that share most matches with it. Unlike a vocabulary of words this needs no file, and its
    cost, which grows with the square of the number of stills, is a small part of that of matching all features.
    """
    units = [_units(f) for f in features]
    pairs = set()
    for i, own in enumerate(units):
        if not len(own):
            continue
        shared = np.array([0 if i == j else _shared(own @ other.T) for j, other in enumerate(units)])
        best = np.argsort(-shared, kind="stable")[:_ALIKE]
        pairs |= {(min(i, int(j)), max(i, int(j))) for j in best if shared[j]}
    return pairs


def _units(descriptors: Array) -> torch.Tensor:
    rows = torch.as_tensor(np.asarray(descriptors), dtype=torch.float32).reshape(-1, 128)
    return torch.nn.functional.normalize(rows, dim=1)


def _shared(cosines: torch.Tensor) -> int:
    """Number of features whose best match is clearly better than their second best."""
    if cosines.shape[1] < 2:
        return 0
    best = (2 - 2 * cosines.topk(2, dim=1).values).clamp_min(0).sqrt()
    return int((best[:, 0] < _RATIO * best[:, 1]).sum())
