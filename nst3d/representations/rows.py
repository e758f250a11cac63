"""Equal rows of a table, found by sorting."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array


def unique_rows(rows: Array) -> tuple[Array, Array]:
    """Groups of equal rows in an (n, k) table: the first index of each group, and each row's group.

    Groups are numbered in order of first occurrence. Comparison is exact; 0.0 equals -0.0.
    """
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (ordered[1:] != ordered[:-1]).any(1)
    first = order[begins]
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    groups = np.empty(len(rows), np.int64)
    groups[order] = rank[np.cumsum(begins) - 1]
    return np.sort(first), groups


def used_rows(count: int, indices: Array) -> tuple[Array, Array]:
    """The sorted distinct values of `indices`, all < count, and `indices` renumbered accordingly (int32)."""
    used = np.zeros(count, dtype=bool)
    used[indices] = True
    renumber = np.cumsum(used, dtype=np.int64) - 1
    return np.flatnonzero(used), renumber[indices].astype(np.int32)
