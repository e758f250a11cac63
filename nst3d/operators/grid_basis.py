"""Colours of scattered points as trilinear interpolation from a sparse grid."""

from __future__ import annotations

import numpy as np

from nst3d.operators.sparse import Csr, SparseView
from nst3d.tensors import Array, ImageSize


def grid_basis(positions: Array, cell: float) -> SparseView:
    """The linear map from the nodes of a grid with cell size `cell` to points (n, 3): an n × 1 "image".

    Only nodes next to a point exist, so their number grows with the surface's area, not the volume. For
    vertices denser than pixels this does what mipmap levels do for texels.
    """
    scaled = positions.astype(np.float64) / cell
    low = np.floor(scaled).astype(np.int64)
    fraction = scaled - low
    low -= low.min(0)
    extent = low.max(0) + 2
    keys, weights = [], []
    for corner in np.ndindex(2, 2, 2):
        node = low + corner
        keys.append((node[:, 0] * extent[1] + node[:, 1]) * extent[2] + node[:, 2])
        weights.append(np.where(corner, fraction, 1 - fraction).prod(1))
    nodes, columns = np.unique(np.stack(keys, axis=1), return_inverse=True)
    count = len(positions)
    matrix = Csr(
        np.arange(count + 1, dtype=np.int64) * 8,
        columns.reshape(-1).astype(np.int32),
        np.stack(weights, axis=1).reshape(-1).astype(np.float32),
    )
    return SparseView(ImageSize(count, 1), len(nodes), np.arange(count, dtype=np.int32), matrix)
