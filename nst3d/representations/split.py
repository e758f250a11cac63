"""Splits the vertices of a mesh wherever face corners have different per-corner values."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array


def split_vertices(faces: Array, corner_values: Array) -> tuple[Array, Array, Array]:
    """Vertices for a format with one value per vertex, such that every corner keeps its value exactly.

    `faces` is (f, 3) integer vertex indices, `corner_values` (f, 3, k) floats, for example UVs with k = 2.
    Two corners share a new vertex if they share the old one and all k values, compared exactly (0.0 equals
    -0.0). Returns `vertex_map` (n,) int64, the old vertex of each new one, in increasing order; `new_faces`
    (f, 3) int32; `values` (n, k), the value of each new vertex. Unused vertices are dropped.
    """
    if corner_values.shape[:2] != faces.shape:
        raise ValueError(f"{corner_values.shape} corner values do not fit {faces.shape} faces")
    old = faces.reshape(-1).astype(np.int64)
    # Adding zero turns -0.0 into 0.0, so that comparing bits equals comparing numbers.
    values = corner_values.reshape(len(old), corner_values.shape[2]) + 0.0
    order = np.lexsort((*values.T[::-1], old))
    old_sorted, values_sorted = old[order], values[order]
    first = np.ones(len(old), dtype=bool)
    first[1:] = (old_sorted[1:] != old_sorted[:-1]) | (values_sorted[1:] != values_sorted[:-1]).any(axis=1)
    new = np.empty(len(old), dtype=np.int32)
    new[order] = np.cumsum(first) - 1
    return old_sorted[first], new.reshape(faces.shape), values_sorted[first]
