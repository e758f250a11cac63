"""Point clouds, as produced by scanners and photogrammetry."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from nst3d.kernels import kernel
from nst3d.representations.neighbours import Neighbours
from nst3d.representations.triangles import unit
from nst3d.tensors import Array

_NEAREST = 4
"""Number of neighbours whose mean distance is a point's spacing: about those around it on a surface."""
_AROUND = 16
"""Number of neighbours whose plane defines a normal."""
_SPARSE, _DENSE = 3.0, 0.25
"""Limits of spacing, in median spacings: stray points are not blobs, and coincident ones not invisible."""
_WIDTH = 0.55
"""Standard deviation of a point's splat, in spacings: smaller values show gaps, larger ones blur."""
_DARK, _BRIGHT = 0.2, 0.85
_LIGHT = (0.35, 0.8, 0.5)
"""Direction towards the light: right, up, ahead."""


@dataclass(frozen=True)
class PointCloud:
    """Finite points in their file's coordinates."""

    positions: Array
    """(n, 3) float64."""
    colours: Array | None
    """(n, 3) float32, sRGB-encoded in [0, 1]; None: the file has none."""
    normals: Array | None
    """(n, 3) float32 unit vectors; None: the file has none."""
    up: tuple[float, float, float]
    """World up."""

    def __len__(self) -> int:
        """Number of points."""
        return len(self.positions)


def splat_widths(positions: Array) -> Array:
    """Standard deviations (n,) float32 of splats on points (n, 3) that close the surface.

    Spacings are clamped to a quarter of the median for repeated points and three medians for isolated ones.
    """
    if len(positions) < 2:
        return np.ones(len(positions), np.float32)
    nearest = min(_NEAREST, len(positions) - 1)
    spacing = Neighbours(positions).of(positions, nearest + 1)[1][:, 1:].mean(1)
    usual = float(np.median(spacing[spacing > 0])) if spacing.any() else 1.0
    return (_WIDTH * np.clip(spacing, _DENSE * usual, _SPARSE * usual)).astype(np.float32)


def estimated_normals(positions: Array, neighbours: int = _AROUND) -> Array:
    """Normals (n, 3) float32 of the planes through points' neighbours, oriented consistently.

    More `neighbours` remove more noise, but also more detail. Orientation propagates where planes agree best
    (Hoppe et al. 1992), from the outermost points, which point outwards.
    """
    nearest, _ = Neighbours(positions).of(positions, min(neighbours, len(positions)))
    normals = np.empty((len(positions), 3))
    for start in range(0, len(positions), 1 << 16):  # neighbourhoods need more memory than the points
        around = positions[nearest[start : start + (1 << 16)]]
        around = around - around.mean(1, keepdims=True)
        normals[start : start + (1 << 16)] = np.linalg.eigh(np.einsum("nka,nkb->nab", around, around))[1][
            ..., 0
        ]
    out = positions - (positions.min(0) + positions.max(0)) / 2
    outward = np.einsum("na,na->n", normals, out)
    normals *= np.where(outward < 0, -1, 1)[:, None]
    _turn_alike(normals, nearest, np.argsort(-(out**2).sum(1), kind="stable"))
    return normals.astype(np.float32)


def shades(normals: Array, axes: Array) -> Array:
    """Greys (n, 3) float32 under soft light from above; `axes` (3, 3): right, up, ahead as columns."""
    light = unit(axes @ np.array(_LIGHT))
    lit = 0.5 + 0.5 * normals.astype(np.float64) @ light
    return np.repeat((_DARK + (_BRIGHT - _DARK) * lit)[:, None], 3, axis=1).astype(np.float32)


@kernel()
def _cosine(normals, i, j):  # type: ignore[no-untyped-def]
    # Not numpy's dot, which numba compiles only with scipy.
    return normals[i, 0] * normals[j, 0] + normals[i, 1] * normals[j, 1] + normals[i, 2] * normals[j, 2]


@kernel()
def _turn_alike(normals, nearest, starts):  # type: ignore[no-untyped-def]
    done = np.zeros(len(normals), np.bool_)
    for start in starts:
        if done[start]:
            continue
        waiting = [(0.0, start, start)]  # disagreement of two planes, source, target
        while len(waiting) > 0:
            _, giver, here = heapq.heappop(waiting)
            if done[here]:
                continue
            done[here] = True
            if _cosine(normals, giver, here) < 0:
                normals[here] = -normals[here]
            for other in nearest[here]:
                if not done[other]:
                    agreement = abs(_cosine(normals, here, other))
                    heapq.heappush(waiting, (1.0 - agreement, here, other))
