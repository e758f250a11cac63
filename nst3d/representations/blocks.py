"""Game voxels: single-coloured cubes in a grid, and their open sides as triangles."""

from __future__ import annotations

import numpy as np

from nst3d.representations.mesh import Part
from nst3d.tensors import Array

# The sides −x, +x, −y, +y, −z, +z: outward directions, and corners counter-clockwise as seen from outside.
# Corner k is at (k, k / 2, k / 4) modulo 2. The side that faces up is last: a voxel's row is anchored there.
_WAYS = np.array([(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)])
_SIDES = np.array(
    [(0, 4, 6, 2), (1, 3, 7, 5), (0, 1, 5, 4), (2, 6, 7, 3), (0, 2, 3, 1), (4, 5, 7, 6)], dtype=np.int64
)
_CORNERS = np.array([(k & 1, k >> 1 & 1, k >> 2) for k in range(8)])


class BlockGrid:
    """Occupied cells (n, 3), integers ≥ 0, and their open sides.

    Duplicate cells count once.
    """

    def __init__(self, cells: Array) -> None:
        """`cells` must not be empty; the grid needs about 5 bytes per cell of their bounding box."""
        self._low = cells.min(0).astype(np.int64)
        self._cells = cells.astype(np.int64)
        # A border of one empty cell, so that every cell has six neighbours.
        self._shape = self._cells.max(0) - self._low + 3
        steps = np.array([self._shape[1] * self._shape[2], self._shape[2], 1])
        self._place = (self._cells - self._low + 1) @ steps
        self._ways = _WAYS @ steps
        occupied = np.zeros(int(self._shape.prod()), bool)
        occupied[self._place] = True
        self._open = np.stack([~occupied[self._place + way] for way in self._ways], axis=1)
        _, first = np.unique(self._place, return_index=True)
        again = np.ones(len(cells), bool)
        again[first] = False
        self._open[again] = False

    @property
    def num_sides(self) -> int:
        """Number of open sides."""
        return int(self._open.sum())

    @property
    def shell(self) -> Array:
        """The cells with an open side, as increasing indices (k,) into `cells`."""
        return np.flatnonzero(self._open.any(1))

    def part(self, name: str, material: int, colours: Array | None) -> Part:
        """The open sides as triangles: cell (i, j, k) is the cube from there to (i + 1, j + 1, k + 1).

        `colours` (n, 3) are the cells'. Row r of the part's paint is cell `shell[r]`. Sides share no
        vertices, so that each has its own normal.
        """
        number = np.zeros(len(self._cells), np.int64)
        number[self.shell] = np.arange(len(self.shell))
        sides, owners = np.nonzero(self._open.T)
        cells = np.repeat(number[owners], 4).astype(np.int32)
        corners = self._cells[owners, None] + _CORNERS[_SIDES[sides]]
        quads = np.arange(len(cells), dtype=np.int32).reshape(-1, 4)
        return Part(
            name=name,
            vertices=corners.reshape(-1, 3).astype(np.float64),
            faces=quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3),
            material=material,
            normals=np.repeat(_WAYS[sides], 4, axis=0).astype(np.float32),
            colours=None if colours is None else np.repeat(colours[owners], 4, axis=0).astype(np.float32),
            cells=cells,
        )

    def spread(self, values: Array) -> Array:
        """Values (k, c) of the shell's cells, spread to all cells (n, c) from neighbour to neighbour."""
        label = np.full(int(self._shape.prod()), -2, np.int32)
        label[self._place] = -1
        front = self._place[self.shell]
        label[front] = np.arange(len(front), dtype=np.int32)
        while len(front):
            reached = []
            for way in self._ways:
                beside = front + way
                new = label[beside] == -1
                label[beside[new]] = label[front[new]]
                reached.append(beside[new])
            front = np.concatenate(reached)
        return values[label[self._place]]
