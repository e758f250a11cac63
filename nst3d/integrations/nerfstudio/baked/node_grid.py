"""A sparse grid over a NeRF's contracted space, with nodes only around what views see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst3d.integrations.nerfstudio.model.frozen import FrozenView
from nst3d.operators.matrix_free import Samples, quantised
from nst3d.tensors import Array

_FINEST = 2048
_COARSEST = 16
_GROWTH = 2.5
"""Exponent with which the number of nodes grows with resolution: 2 for surfaces, 3 for haze."""


@dataclass(frozen=True)
class NodeGrid:
    """A subset of (resolution + 1)³ nodes, ordered by number."""

    resolution: int
    """Number of cells along each axis of the space [0, 1]³."""
    numbers: Array
    """(n,) int64, increasing: (x · (resolution + 1) + y) · (resolution + 1) + z."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def nodes(self) -> Array:
        """(n, 3) int32: grid coordinates of each node."""
        side = self.resolution + 1
        rest, z = np.divmod(self.numbers, side)
        x, y = np.divmod(rest, side)
        return np.stack([x, y, z], axis=1).astype(np.int32)

    @property
    def places(self) -> Array:
        """(n, 3) float32: positions of the nodes in [0, 1]³."""
        return (self.nodes / np.float32(self.resolution)).astype(np.float32)

    def samples(self, view: FrozenView) -> Samples:
        """A view's samples in the grid, without those far from all nodes; the ray's others are scaled up."""
        cells, within = view.in_cells(self.resolution)
        numbers, index = np.unique(_numbered(cells, self.resolution + 1), return_inverse=True)
        around = numbers[:, None] + _steps(self.resolution + 1)
        rank = np.searchsorted(self.numbers, around).clip(max=len(self) - 1)
        corners = np.where(self.numbers[rank] == around, rank, -1).astype(np.int32)
        exists = np.asarray((corners >= 0).any(1))
        index = index.reshape(-1).astype(np.int32)
        if exists.all():
            return Samples(view.starts, index, quantised(within), view.weights, corners)
        return _without(view, index, quantised(within), corners, exists)


def grid_around(views: Sequence[FrozenView], most: int) -> NodeGrid:
    """The nodes of all cells with samples of views: as dense as pixels, or as dense as `most` nodes allow."""
    spacing = float(np.median([view.spacing() for view in views]))
    resolution = int(np.clip(1 / max(spacing, 1 / _FINEST), _COARSEST, _FINEST))
    while True:
        grid = NodeGrid(resolution, _touched(views, resolution))
        if len(grid) <= most or resolution <= _COARSEST:
            return grid
        finer = resolution * (most / len(grid)) ** (1 / _GROWTH)
        resolution = max(_COARSEST, min(int(finer), resolution - 1))


def _touched(views: Sequence[FrozenView], resolution: int) -> Array:
    side = resolution + 1
    cells = [np.unique(_numbered(view.in_cells(resolution)[0], side)) for view in views]
    return np.unique(np.unique(np.concatenate(cells))[:, None] + _steps(side))


def _numbered(cells: Array, side: int) -> Array:
    return (cells[:, 0].astype(np.int64) * side + cells[:, 1]) * side + cells[:, 2]


def _steps(side: int) -> Array:
    """Offsets from a cell's first node to its eight nodes, x slowest."""
    return np.array([(x * side + y) * side + z for x, y, z in np.ndindex(2, 2, 2)])


def _without(view: FrozenView, index: Array, places: Array, corners: Array, exists: Array) -> Samples:
    kept = exists[index]
    pixels = np.repeat(np.arange(len(view.starts) - 1), np.diff(view.starts))
    count = len(view.starts) - 1
    whole = np.bincount(pixels, view.weights, count)
    held = np.bincount(pixels[kept], view.weights[kept], count)
    scale = np.where(held > 0, whole / np.maximum(held, 1e-12), 0)
    weights = (view.weights[kept] * scale[pixels[kept]]).astype(np.float32)
    starts = np.concatenate([[0], np.cumsum(np.bincount(pixels[kept], minlength=count))]).astype(np.int64)
    rank = np.cumsum(exists) - 1
    return Samples(starts, rank[index[kept]].astype(np.int32), places[kept], weights, corners[exists])
