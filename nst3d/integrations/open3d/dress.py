"""Textures for Open3D, which does not wrap them: repeated textures are tiled explicitly."""

from __future__ import annotations

from typing import Any

import numpy as np

from nst3d.images.colour import srgb_decode, srgb_encode
from nst3d.images.levels import from_bytes, to_bytes
from nst3d.representations.appearance import wrapped
from nst3d.representations.mesh import Material, Texture
from nst3d.tensors import Array

_WIDEST = 8192
"""Maximum side of a texture that every OpenGL supports, pixels,"""
_MOST = 1 << 25
"""and maximum number of pixels: 100 MB."""


def dress(package: Any, made: Any, texture: Texture, material: Material, uvs: Array) -> bool:
    """Set the texture of an Open3D TriangleMesh; returns False if the tiled texture would be too large.

    `uvs` (f, 3, 2) are those of its faces' corners, in any range, to be wrapped by `texture.wrap`.
    """
    laid = [laid_out(uvs[..., k], texture.pixels.shape[1 - k], texture.wrap[k]) for k in (0, 1)]
    (across, columns), (up, rows) = laid
    if max(len(columns), len(rows)) > _WIDEST or len(columns) * len(rows) > _MOST:
        return False
    # In OpenGL the first row of a texture is at the bottom.
    linear = srgb_decode(from_bytes(texture.pixels)[::-1].astype(np.float64)) * srgb_decode(
        np.asarray(material.factor)
    )
    pixels = to_bytes(srgb_encode(linear))[np.ix_(rows, columns)]
    made.textures = [package.geometry.Image(np.ascontiguousarray(pixels))]
    made.triangle_uvs = package.utility.Vector2dVector(np.stack([across, up], axis=-1).reshape(-1, 2))
    made.triangle_material_ids = package.utility.IntVector(np.zeros(len(uvs), np.int32))
    return True


def laid_out(places: Array, count: int, wrap: str) -> tuple[Array, Array]:
    """Texture coordinates (f, 3) along one axis, mapped to [0, 1] of a row of copies, and that row.

    The row (n,) contains the index, below `count`, of the pixel at each position. Faces are shifted by whole
    copies, so that there are only as many copies as the widest face spans.
    """
    period = 2 if wrap == "mirror" else 1
    first = np.floor(places.min(axis=1, keepdims=True) / period) * period
    if wrap == "clamp":  # its copies are not equal
        first = np.full_like(first, first.min())
    inside = places - first
    copies = max(int(np.ceil(inside.max(initial=0) - 1e-6)), 1)
    start = int(first.min()) * count if wrap == "clamp" else 0
    if copies * count > _WIDEST:
        return inside, np.zeros(_WIDEST + 1, np.int64)
    return inside / copies, wrapped(start + np.arange(copies * count), count, wrap)
