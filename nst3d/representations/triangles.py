"""Areas, normals and unit vectors of triangles."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array

_UP = (0.0, 0.0, 1.0)


def unit(vectors: Array, fallback: tuple[float, float, float] = _UP) -> Array:
    """Vectors (…, 3) scaled to length 1, float64; `fallback` if the length is 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 0, vectors / np.where(length > 0, length, 1.0), fallback)


def cross(a: Array, b: Array) -> Array:
    """Cross products (…, 3) of vectors (…, 3), as by `np.cross`, which costs six times as much for a few vectors."""
    (ax, ay, az), (bx, by, bz) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def face_normals(corners: Array) -> Array:
    """Unit normals (…, 3) of triangles (…, 3, 3), float64, by winding; 0 for triangles without area."""
    corners = corners.astype(np.float64)
    edges = corners[..., 1:, :] - corners[..., :1, :]
    # Scaled by the longest side first, to avoid underflow of tiny triangles and overflow of huge ones.
    longest = np.abs(edges).max(axis=(-2, -1), keepdims=True)
    edges = np.divide(edges, longest, out=np.zeros_like(edges), where=longest > 0)
    return unit(cross(edges[..., 0, :], edges[..., 1, :]), (0.0, 0.0, 0.0))


def face_areas(positions: Array, faces: Array) -> Array:
    """Area of each triangle, (f,) float64."""
    a, b, c = (positions[faces[:, k]].astype(np.float64) for k in range(3))
    return np.linalg.norm(cross(b - a, c - a), axis=1) / 2


def uv_areas(corners: Array) -> Array:
    """Area of each UV triangle (f, 3, 2), (f,), in units of the whole texture."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2


def turned_normals(normals: Array, linear: Array) -> Array:
    """Normals (n, 3) under a linear map (3, 3), or one map each (n, 3, 3); float64, not normalised."""
    return np.einsum("...ij,...j->...i", normal_maps(linear), normals.astype(np.float64))


def normal_maps(linear: Array) -> Array:
    """For each linear map (…, 3, 3) the one that turns normals, up to scale, float64.

    Uses cofactors, which equal the inverse transpose up to scale but need no inverse, so that singular maps
    are not a special case.
    """
    a, b, c = linear[..., 0, :], linear[..., 1, :], linear[..., 2, :]
    cofactors = np.stack([cross(b, c), cross(c, a), cross(a, b)], axis=-2)
    sign = np.where((a * cofactors[..., 0, :]).sum(-1) < 0, -1.0, 1.0)
    return sign[..., None, None] * cofactors
