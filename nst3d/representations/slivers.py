"""Room in an atlas for slivers: faces too small or thin to be unwrapped, of one flat colour each."""

from __future__ import annotations

import numpy as np

from nst3d.representations.triangles import uv_areas
from nst3d.tensors import Array, ImageSize

_CELL = 4
"""Side of a sliver's cell, texels: the one that it shows, and padding around it."""
_MOST = 4096
"""Most cells; more slivers than that share them with their neighbours in the mesh."""
_SMALLEST = 64
"""Width of an atlas that holds nothing else, texels."""
_INNER = np.array([[-0.3, -0.2], [0.3, -0.2], [0.0, 0.3]])
"""Corners of a sliver around the centre of its texel, in texels: they contain no other texel's centre."""


def with_slivers(size: ImageSize, uvs: list[Array]) -> tuple[ImageSize, list[Array], int]:
    """The atlas extended at its top by a cell for each face that has no area in it, and the number of such faces.

    `uvs` are the corner UVs (f, 3, 2) of parts in an atlas of `size`; those of the result are in the larger one.
    """
    flat = [np.flatnonzero(~(uv_areas(corners) > 0)) for corners in uvs]
    count = sum(len(faces) for faces in flat)
    if not count:
        return size, uvs, 0
    cells = min(count, _MOST)
    width = max(size.width, _SMALLEST)
    across = width // _CELL
    height = size.height + -(-cells // across) * _CELL
    shrunk = np.array([size.width / width, size.height / height])
    result, first = [], 0
    for corners, faces in zip(uvs, flat):
        cell = (first + np.arange(len(faces))) * cells // count
        column, row = cell % across, cell // across
        middle = np.stack([column * _CELL, size.height + row * _CELL], axis=1) + (_CELL // 2 + 0.5)
        moved = corners * shrunk
        moved[faces] = (middle[:, None] + _INNER) / [width, height]
        result.append(moved)
        first += len(faces)
    return ImageSize(height, width), result, count
