"""Which rows of a table a point of a surface reads, and their weights."""

from __future__ import annotations

import numpy as np

from nst3d.kernels import kernel
from nst3d.representations.surface import TexelBinding
from nst3d.representations.texels import wrap_texel
from nst3d.tensors import Array


@kernel(inline="always")
def vertex_taps(rows, u, v, out_columns, out_weights):  # type: ignore[no-untyped-def]
    """The three corners' rows (3,), and their barycentric weights."""
    out_columns[0], out_columns[1], out_columns[2] = rows[0], rows[1], rows[2]
    out_weights[0] = max(np.float32(1.0) - u - v, np.float32(0.0))
    out_weights[1], out_weights[2] = u, v


@kernel(inline="always")
def texel_taps(corners, slot, u, v, out_columns, out_weights):  # type: ignore[no-untyped-def]
    """The four texels around a point of a face with UVs (3, 2), and their bilinear weights.

    `slot` (5,) holds the image's first row, height, width and wrap modes along u and v.
    """
    w = np.float32(1.0) - u - v
    x = (w * corners[0, 0] + u * corners[1, 0] + v * corners[2, 0]) * slot[2] - 0.5
    y = (1.0 - (w * corners[0, 1] + u * corners[1, 1] + v * corners[2, 1])) * slot[1] - 0.5
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    fx, fy = np.float32(x - x0), np.float32(y - y0)
    left, right = wrap_texel(x0, slot[2], slot[3]), wrap_texel(x0 + 1, slot[2], slot[3])
    top = slot[0] + wrap_texel(y0, slot[1], slot[4]) * slot[2]
    bottom = slot[0] + wrap_texel(y0 + 1, slot[1], slot[4]) * slot[2]
    out_columns[0], out_columns[1] = top + left, top + right
    out_columns[2], out_columns[3] = bottom + left, bottom + right
    one = np.float32(1.0)
    out_weights[0], out_weights[1] = (one - fx) * (one - fy), fx * (one - fy)
    out_weights[2], out_weights[3] = (one - fx) * fy, fx * fy


def texels_at(binding: TexelBinding, faces: Array, weights: Array) -> tuple[Array, Array]:
    """The four texels (n, 4) int32 that points read, and their weights (n, 4) float32.

    A point lies on one of `faces` (n,), with barycentric `weights` (n, 3).
    """
    columns, shares = np.empty((len(faces), 4), np.int32), np.empty((len(faces), 4), np.float32)
    uv = np.ascontiguousarray(weights[:, 1:], np.float32)
    _fill(binding.corners, binding.slot, binding.slots, np.ascontiguousarray(faces), uv, columns, shares)
    return columns, shares


@kernel()
def _fill(corners, slot, slots, faces, uv, columns, shares):  # type: ignore[no-untyped-def]
    for k in range(len(faces)):
        f = faces[k]
        texel_taps(corners[f], slots[slot[f]], uv[k, 0], uv[k, 1], columns[k], shares[k])
