"""A box of evenly spaced nodes in a field's contracted coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.representations.field import Space
from nst3d.tensors import Array


@dataclass(frozen=True)
class Lattice:
    """Nodes from corner to corner of a box, including both."""

    space: Space
    low: Array
    """(3,) the first node, contracted coordinates (see `Space`)."""
    high: Array
    """(3,) the last node."""
    shape: tuple[int, int, int]
    """Number of nodes along each axis, at least 2."""

    @property
    def step(self) -> Array:
        """(3,) node spacing, contracted coordinates."""
        return (self.high - self.low) / (np.asarray(self.shape) - 1)

    def to_world(self, nodes: Array) -> Array:
        """Node coordinates (…, 3), 0 to N − 1 along an axis, as world points."""
        contracted = self.low + nodes * self.step
        single = (contracted / self.space.extent + 1) / 2 - 0.5  # in a grid of one node per axis
        return self.space.to_world(single, (1, 1, 1))

    def to_nodes(self, points: Array) -> Array:
        """World points (n, 3) as node coordinates; the inverse of `to_world`."""
        single = self.space.to_grid(points, (1, 1, 1))
        return (((single + 0.5) * 2 - 1) * self.space.extent - self.low) / self.step

    def cells(self, points: Array) -> Array:
        """World length (n,) of the longest side of a cell at world points (n, 3)."""
        nodes = self.to_nodes(points)
        sides = []
        for axis in range(3):
            shift = np.zeros(3)
            shift[axis] = 1.0
            ends = [nodes + s * shift / 2 for s in (-1, 1)]
            sides.append(np.linalg.norm(self.to_world(ends[1]) - self.to_world(ends[0]), axis=-1))
        return np.max(sides, axis=0)


def lattice_within(space: Space, reach: float, resolution: int) -> Lattice:
    """A lattice of cubic cells over the part of a space within `reach` radii of its centre, in maximum norm.

    `resolution` is the number of nodes along the longest side. In a bounded space `reach` is at most 1.
    """
    side = half_side(space, reach)
    radius = np.asarray(space.radius, float)
    longest = radius.max()
    counts = np.maximum(np.round(resolution * radius / longest), 2).astype(int)
    high = np.full(3, side)
    return Lattice(space, -high, high, (int(counts[0]), int(counts[1]), int(counts[2])))


def half_side(space: Space, reach: float) -> float:
    """Half the side, in contracted coordinates, of the part of a space within `reach` radii of its centre."""
    reach = reach if space.contracted else min(reach, 1.0)
    return reach if reach <= 1 else 2 - 1 / reach
