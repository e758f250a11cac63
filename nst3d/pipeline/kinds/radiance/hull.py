"""The extent of a radiance scene without its floaters."""

from __future__ import annotations

import numpy as np

from nst3d.cameras.rigs import Orientation
from nst3d.tensors import Array

_STRAYS = 0.02
"""Fraction of the scene's weight, at either end of each axis, that is searched for floaters."""


_ROOM = 0.25
"""How far beyond the rest the scene may extend, in widths of the rest: a spire is not a floater."""


_HULL = 5000


def robust_hull(positions: Array, weights: Array, orientation: Orientation) -> Array:
    """Points (k, 3) of a scene without its floaters.

    Along each of the scene's axes, points more than a quarter of its width outside the inner 96 % of the
    weight are dropped; at most about 5000 of the rest are kept, including the box's extremes.
    """
    local = positions @ orientation.axes()
    keep = np.ones(len(local), bool)
    for axis in range(3):
        order = np.argsort(local[:, axis], kind="stable")
        share = np.cumsum(weights[order])
        share = share / share[-1] if share[-1] > 0 else np.linspace(0, 1, len(share))
        inner = np.minimum(np.searchsorted(share, [_STRAYS, 1 - _STRAYS]), len(order) - 1)
        edges = local[order[inner], axis]
        room = _ROOM * (edges[1] - edges[0])
        keep &= (local[:, axis] >= edges[0] - room) & (local[:, axis] <= edges[1] + room)
    inside = np.flatnonzero(keep) if keep.any() else np.arange(len(local))
    extremes = inside[np.concatenate([local[inside].argmin(0), local[inside].argmax(0)])]
    spread = inside[:: max(1, -(-len(inside) // _HULL))]
    return np.asarray(positions[np.unique(np.concatenate([extremes, spread]))], np.float64)
