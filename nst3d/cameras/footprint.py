"""How large a pixel is on the surface that it shows."""

from __future__ import annotations

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.tensors import Array

_SLANTED = 0.25
"""Least cosine that counts: at silhouettes a pixel's size on the surface grows without limit."""


def footprint(camera: Camera, depth: Array) -> Array:
    """The side (h, w) of a square as large as what each pixel shows of the surface, in world units.

    `depth` (h, w) is along the viewing axis; the surface at a pixel is the plane through it and its nearer neighbours.
    At depth z on the ray r, whose camera z is 1, a pixel of a plane with unit normal n covers z² / (f_x f_y |n · r|).
    Without neighbours, and beyond 75 degrees, the surface counts as less slanted. NaN where depth is not finite.
    """
    known = np.isfinite(depth)
    rays = camera.rays()[1]
    points = np.where(known[..., None], rays * np.where(known, depth, 0)[..., None], np.nan)
    normals = np.cross(_slope(points, 1), _slope(points, 0))
    length = np.linalg.norm(normals, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slant = np.abs((normals * rays).sum(-1)) / length
    slant = np.where(np.isfinite(slant), np.maximum(slant, _SLANTED), 1.0)
    side = np.where(known, depth, np.nan) / (camera.focal * np.sqrt(camera.aspect * slant))
    return side.astype(np.float32)


def _slope(points: Array, axis: int) -> Array:
    """The difference (h, w, 3) to the nearer of both neighbours along an axis; NaN without one."""
    steps = np.diff(points, axis=axis)
    gap = np.full_like(np.take(points, [0], axis), np.nan)
    before, after = np.concatenate([gap, steps], axis), np.concatenate([steps, gap], axis)
    near, far = (
        np.nan_to_num(np.linalg.norm(d, axis=-1, keepdims=True), nan=np.inf) for d in (after, before)
    )
    return np.where(near <= far, after, before)
