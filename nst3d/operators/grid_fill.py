"""Fills the nodes of a sparse grid that views hardly see from better-seen neighbours."""

from __future__ import annotations

import numba
import numpy as np

from nst3d.kernels import kernel
from nst3d.tensors import Array

_REACH = 3
"""Distance in nodes within which nodes are compared: about the thickness of soft surfaces."""
_BESIDE = 0.1
"""Minimum sight, as a fraction of the best node's within reach, at which a node keeps its colour."""
_ANYWHERE = 0.02
"""Minimum sight, as a fraction of the usual, at which a node keeps its change of colour."""
_SWEEPS = 12
_BANDS = 64
"""Number of chunks of parallel work."""


def fill_hardly_seen(nodes: Array, sight: Array, start: Array, painted: Array) -> Array:
    """Colours (n, 3) float32 in [0, 1] of grid nodes, with hardly seen ones filled from their neighbours.

    `nodes` (n, 3) are distinct grid positions; `sight` (n,) is the sum of squared weights with which pixels
    see each node; `start` and `painted` (n, 3) are colours before and after painting. First, nodes that are
    hardly seen at all (compared with the mean of sight, weighted by sight) take their neighbours' change of
    colour, which keeps the scene's own detail. Then nodes that are hardly seen compared with their
    neighbours, such as haze around a surface, take their neighbours' colours. Nodes seen well enough for both
    are unchanged.
    """
    sight = np.ascontiguousarray(sight, np.float32)
    whole = float(sight.sum(dtype=np.float64))
    painted = painted.astype(np.float32)
    if whole == 0:
        return painted
    beside = _neighbours(nodes)
    usual = np.float32((sight.astype(np.float64) ** 2).sum() / whole)
    # Nodes that no view sees pass values on.
    weights = sight + np.float32(1e-6) * usual
    kept = np.minimum(sight / (np.float32(_ANYWHERE) * usual), 1)
    change = _spread((painted - start).astype(np.float32), kept, weights, beside)
    painted = np.where(kept[:, None] < 1, (start + change).clip(0, 1), painted).astype(np.float32)
    best = _best_near(sight, beside)
    kept = np.where(best > 0, np.minimum(sight / np.maximum(_BESIDE * best, 1e-30), 1), 1)
    return _spread(painted, kept.astype(np.float32), weights, beside)


def _spread(values: Array, kept: Array, weights: Array, beside: Array) -> Array:
    """Values (n, 3) of which each node keeps a fraction (n,) in [0, 1]; the rest is its neighbours' mean.

    The mean is weighted, and the fixed point a harmonic fill that flows from large weights to small ones;
    Jacobi sweeps reach far enough for a rim. Nodes that keep all, or have no neighbours, are unchanged.
    """
    rows = np.flatnonzero((kept < 1) & (beside >= 0).any(1))
    own, result = values[rows], values.copy()
    for _ in range(_SWEEPS):
        result[rows] = _mixed(rows, beside, weights, kept, own, result)
    return result


def _neighbours(nodes: Array) -> Array:
    """Row indices (n, 6) int32 of each node's neighbours, −1 for none."""
    low = nodes.min(0)
    rows = np.full(nodes.max(0) - low + 3, -1, np.int32)
    places = nodes - low + 1
    rows[tuple(places.T)] = np.arange(len(nodes), dtype=np.int32)
    steps = np.concatenate([np.eye(3, dtype=np.int32), -np.eye(3, dtype=np.int32)])
    return np.stack([rows[tuple((places + step).T)] for step in steps], axis=1)


def _best_near(sight: Array, beside: Array) -> Array:
    """The largest sight within reach of each node, (n,)."""
    for _ in range(_REACH):
        sight = np.maximum(sight, np.append(sight, np.float32(0))[beside].max(1))
    return sight


@kernel(parallel=True)
def _mixed(rows, beside, weights, kept, own, values):  # type: ignore[no-untyped-def]
    """The new values of the rows after one sweep."""
    out = np.empty_like(own)
    count = (len(rows) + _BANDS - 1) // _BANDS
    for band in numba.prange(_BANDS):
        for i in range(band * count, min(len(rows), (band + 1) * count)):
            total = a = b = c = np.float32(0)
            for k in range(beside.shape[1]):
                j = beside[rows[i], k]
                if j >= 0:
                    total += weights[j]
                    a += weights[j] * values[j, 0]
                    b += weights[j] * values[j, 1]
                    c += weights[j] * values[j, 2]
            t = kept[rows[i]]
            rest = (np.float32(1) - t) / total
            out[i, 0] = t * own[i, 0] + rest * a
            out[i, 1] = t * own[i, 1] + rest * b
            out[i, 2] = t * own[i, 2] + rest * c
    return out
