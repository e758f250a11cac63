"""Triangulation of planar or nearly planar polygons, convex or not."""

from __future__ import annotations

import numpy as np

from nst3d.representations.ears import ears
from nst3d.tensors import Array


def triangulate(points: Array, corners: Array, counts: Array) -> tuple[Array, Array]:
    """Triangulate polygons: (t, 3) positions in `corners`, and (t,) the polygon of each triangle.

    Polygon i has counts[i] >= 3 consecutive corners in `corners`, which index `points` (n, 3). Triangles keep
    the winding and the polygons' order. Convex polygons become fans, quads a fan from their reflex corner,
    and other concave ones are triangulated by ear clipping (Meisters, 1975); holes joined to the outline by a
    bridge edge stay open. Self-crossing outlines give some triangulation, not an error.
    """
    offsets = np.cumsum(counts) - counts
    sizes = np.flatnonzero(np.bincount(counts))
    pieces, owners = [], []
    for size in sizes:
        polygons = np.flatnonzero(counts == size)
        place = offsets[polygons][:, None] + np.arange(size)
        local = place[:, None, :] if size == 3 else _cut(points[corners[place]], place)
        pieces.append(local.reshape(-1, 3))
        owners.append(np.repeat(polygons, size - 2))
    triangles, owner = np.concatenate(pieces), np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return triangles[order], owner[order]


def _cut(outline: Array, place: Array) -> Array:
    """Triangles (k, n - 2, 3) of k polygons (k, n, 3), as entries of `place` (k, n)."""
    size = place.shape[1]
    with np.errstate(invalid="ignore", over="ignore"):
        outline = outline - outline[:, :1]
        incoming = outline - np.roll(outline, 1, axis=1)
        normal = np.cross(outline, np.roll(outline, -1, axis=1)).sum(1)
        turns = np.cross(incoming, np.roll(incoming, -1, axis=1))
        bend = np.einsum("knc,kc->kn", turns, normal)
    concave = (bend < 0).any(1)
    start = np.where(concave, bend.argmin(1), 0)
    order = (start[:, None] + np.arange(size)) % size
    fan = np.stack([np.zeros(size - 2, int), np.arange(1, size - 1), np.arange(2, size)], axis=1)
    local = order[:, fan]
    if size > 4:
        for k in np.flatnonzero(concave):
            local[k] = ears(_flattened(outline[k], normal[k]))
    return np.take_along_axis(place[:, None, :], local, axis=2)


def _flattened(outline: Array, normal: Array) -> Array:
    """The outline (n, 2) projected along its normal's largest axis, counter-clockwise."""
    axis = int(np.abs(normal).argmax())
    flat = outline[:, [(axis + 1) % 3, (axis + 2) % 3]]
    return flat if normal[axis] >= 0 else flat * [-1.0, 1.0]
