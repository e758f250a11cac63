"""Faults of moving vertices: flipped faces, and neighbours that intersect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.tensors import Array

_FOLDED = -0.985
"""Cosine between the normals of two faces on one edge below which they are folded together (170 degrees)."""


@dataclass(frozen=True)
class Faults:
    """Masks of faulty faces, (f,) bool."""

    flipped: Array
    """Faces whose normal turned by more than 90 degrees from the start's."""
    crossing: Array
    """Faces that intersect, or are folded onto, a face with a common vertex or edge."""

    @property
    def count(self) -> int:
        """Number of faces with either fault."""
        return int((self.flipped | self.crossing).sum())


class FaultFinder:
    """Finds faults of one moving mesh; pairs of neighbouring faces are computed once."""

    def __init__(self, start: Array, faces: Array, sides: Array) -> None:
        """`start` (v, 3) positions, `faces` (f, 3), `sides` (k, 2) the faces that share an edge."""
        self._faces, self._sides = faces, sides
        self._normals = _crosses(start, faces)
        self._pairs = _corner_pairs(faces)
        # Faces that intersect at the start belong to the asset.
        self._before = self._crossing(start)

    def find(self, positions: Array) -> Faults:
        """The faults at `positions` (v, 3) that did not exist at the start."""
        flipped = (_crosses(positions, self._faces) * self._normals).sum(1) < 0
        return Faults(flipped, self._crossing(positions) & ~self._before)

    def _crossing(self, positions: Array) -> Array:
        positions = positions.astype(np.float64)
        crossing = np.zeros(len(self._faces), bool)
        crosses = _crosses(positions, self._faces)
        length = np.linalg.norm(crosses, axis=1, keepdims=True)
        normals = crosses / np.maximum(length, 1e-300)
        cosine = (normals[self._sides[:, 0]] * normals[self._sides[:, 1]]).sum(1)
        crossing[self._sides[cosine < _FOLDED].ravel()] = True
        for one, corner, other in ((0, 1, 2), (2, 3, 0)):
            face, k, against = (self._pairs[:, i] for i in (one, corner, other))
            corners = self._faces[face]
            rows = np.arange(len(face))
            a, b = (positions[corners[rows, (k + turn) % 3]] for turn in (1, 2))
            hit = _pierces(a, b, positions[self._faces[against]])
            crossing[face[hit]] = crossing[against[hit]] = True
        return crossing


def _crosses(positions: Array, faces: Array) -> Array:
    a, b, c = (positions[faces[:, k]].astype(np.float64) for k in range(3))
    return np.cross(b - a, c - a)


def _corner_pairs(faces: Array) -> Array:
    """(n, 4): pairs of faces that share exactly one vertex: face, its corner, other face, its corner."""
    order = np.argsort(faces.ravel(), kind="stable")
    vertex = faces.ravel()[order]
    found = []
    for step in range(1, len(vertex)):
        same = np.flatnonzero(vertex[step:] == vertex[:-step])
        if not len(same):
            break
        found.append(np.stack([order[same], order[same + step]], axis=1))
    if not found:
        return np.zeros((0, 4), np.int64)
    corners = np.concatenate(found)
    one, other = faces[corners[:, 0] // 3], faces[corners[:, 1] // 3]
    shared = (one[:, :, None] == other[:, None, :]).sum((1, 2))
    corners = corners[shared == 1]
    return np.stack([corners[:, 0] // 3, corners[:, 0] % 3, corners[:, 1] // 3, corners[:, 1] % 3], axis=1)


def _pierces(a: Array, b: Array, triangles: Array) -> Array:
    """Whether segments from a to b (n, 3) pierce triangles (n, 3, 3), (n,) bool; touching does not count."""
    p, q, r = (triangles[:, k] for k in range(3))

    def volume(u: Array, v: Array, w: Array, x: Array) -> Array:
        return np.einsum("nc,nc->n", np.cross(v - u, w - u), x - u)

    apart = volume(p, q, r, a) * volume(p, q, r, b) < 0
    around = [volume(a, b, s, t) for s, t in ((p, q), (q, r), (r, p))]
    inside = ((around[0] > 0) & (around[1] > 0) & (around[2] > 0)) | (
        (around[0] < 0) & (around[1] < 0) & (around[2] < 0)
    )
    return apart & inside
