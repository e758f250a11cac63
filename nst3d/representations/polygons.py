"""Triangulation of planar or nearly planar polygons, convex or not."""

from __future__ import annotations

import numpy as np

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
            local[k] = _ears(_flattened(outline[k], normal[k]))
    return np.take_along_axis(place[:, None, :], local, axis=2)


def _flattened(outline: Array, normal: Array) -> Array:
    """The outline (n, 2) projected along its normal's largest axis, counter-clockwise."""
    axis = int(np.abs(normal).argmax())
    flat = outline[:, [(axis + 1) % 3, (axis + 2) % 3]]
    return flat if normal[axis] >= 0 else flat * [-1.0, 1.0]


def _ears(flat: Array) -> list[tuple[int, int, int]]:
    """Triangles of a counter-clockwise outline (n, 2), by repeatedly clipping an empty convex corner."""
    left = list(range(len(flat)))
    triangles = []
    while len(left) > 3:
        k = next((k for k in range(len(left)) if _is_ear(flat, left, k)), None)
        if k is None:
            k = int(np.argmax([_turn(*flat[_corner(left, k)]) for k in range(len(left))]))
        a, b, c = _corner(left, k)
        triangles.append((a, b, c))
        del left[k]
    return [*triangles, (left[0], left[1], left[2])]


def _corner(left: list[int], k: int) -> list[int]:
    return [left[k - 1], left[k], left[(k + 1) % len(left)]]


def _turn(a: Array, b: Array, c: Array) -> float:
    return float((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]))


def _is_ear(flat: Array, left: list[int], k: int) -> bool:
    a, b, c = flat[_corner(left, k)]
    if _turn(a, b, c) <= 0:
        return False
    others = flat[left]
    inside = np.ones(len(others), dtype=bool)
    for start, end in ((a, b), (b, c), (c, a)):
        edge, to = end - start, others - start
        inside &= edge[0] * to[:, 1] - edge[1] * to[:, 0] >= 0
        # A bridge to a hole visits its ends twice: a twin of the triangle's own corner does not block it.
        inside &= (others != start).any(1)
    return not inside.any()
