"""Texel density: how fine an asset's colours are, and how evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst3d.metrics.warp import Seen
from nst3d.tensors import Array

_ENDS = (0.05, 0.5, 0.95)
_TOLERANCE = 0.02
"""Relative difference of depth within which a point is what a view shows: more than between views, as points lie all
over a pixel."""


class Density(NamedTuple):
    """How many texels lie along a length."""

    median: float
    """Texels per unit of length, of half of the surface's area fewer."""
    spread: float
    """The 95th percentile by area over the 5th: 1 if all texels are as large."""


def texel_density(sides: Array, weights: Array) -> Density | None:
    """The density of texels with `sides` (n,), each of which counts by its weight (n,); None if none counts.

    Weights are areas on the surface, so that dense corners that cover little count little.
    """
    counts = (weights > 0) & (sides > 0)
    if not counts.any():
        return None
    order = np.argsort(sides[counts])
    share = np.cumsum(weights[counts][order], dtype=np.float64)
    fine, middle, coarse = (
        float(sides[counts][order][np.searchsorted(share, end * share[-1])]) for end in _ENDS
    )
    return Density(1 / middle, coarse / fine)


def seen_points(points: Array, views: Sequence[Seen], tolerance: float = _TOLERANCE) -> Array:
    """Whether one of the views at least shows each point (n, 3), (n,) bool.

    A view shows a point if its depth there is within `tolerance` of the point's own distance.
    """
    found = np.zeros(len(points), bool)
    for camera, depth in views:
        pixels, distance = camera.project(points)
        height, width = depth.shape
        inside = (distance > 0) & ((pixels >= 0) & (pixels < [width, height])).all(1)
        x, y = np.where(inside[:, None], pixels, 0).astype(int).T
        behind = np.where(np.isfinite(depth[y, x]), depth[y, x], np.inf)
        found |= inside & (np.abs(behind - distance) <= tolerance * distance)
    return found


def pixel_size(views: Sequence[Seen]) -> float | None:
    """The side of a pixel on what the views show, the median of all; None if they show nothing."""
    sides = [depth[np.isfinite(depth)] / camera.focal for camera, depth in views]
    every = np.concatenate([np.empty(0), *sides])
    return float(np.median(every)) if len(every) else None
