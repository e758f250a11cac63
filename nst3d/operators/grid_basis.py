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
    keys, fraction = _corners(positions, cell)[:2]
    weights = [np.where(corner, fraction, 1 - fraction).prod(1) for corner in np.ndindex(2, 2, 2)]
    nodes, columns = np.unique(keys, return_inverse=True)
    count = len(positions)
    matrix = Csr(
        np.arange(count + 1, dtype=np.int64) * 8,
        columns.reshape(-1).astype(np.int32),
        np.stack(weights, axis=1).reshape(-1).astype(np.float32),
    )
    return SparseView(ImageSize(count, 1), len(nodes), np.arange(count, dtype=np.int32), matrix)


def grid_nodes(positions: Array, cell: float) -> Array:
    """Where the nodes of `grid_basis` are, (nodes, 3), in its order."""
    keys, _, first, extent = _corners(positions, cell)
    nodes = np.unique(keys)
    places = np.stack(np.unravel_index(nodes, tuple(extent)), axis=1)
    return (places + first) * cell


def _corners(positions: Array, cell: float) -> tuple[Array, Array, Array, Array]:
    """Keys of the nodes around points (n, 8), points within their cells (n, 3), the first node, and the grid's size."""
    scaled = positions.astype(np.float64) / cell
    low = np.floor(scaled).astype(np.int64)
    fraction = scaled - low
    first = low.min(0)
    low -= first
    extent = low.max(0) + 2
    nodes = (low + corner for corner in np.ndindex(2, 2, 2))
    keys = [(node[:, 0] * extent[1] + node[:, 1]) * extent[2] + node[:, 2] for node in nodes]
    return np.stack(keys, axis=1), fraction, first, extent
