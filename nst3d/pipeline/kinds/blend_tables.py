"""The weighted mean of colour tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nst3d.tensors import Array


def mixed(tables: Sequence[Array], weights: Sequence[float]) -> Array:
    """First + Σ weight · (table − first) for tables of one shape, in the first one's dtype.

    Weights sum to 1. Where all tables agree, or the others' weights are 0, the result is the first one's
    value bit for bit. Summed in float64.
    """
    first = tables[0].astype(np.float64)
    total = first.copy()
    for table, weight in zip(tables[1:], weights[1:]):
        total += weight * (table.astype(np.float64) - first)
    return total.astype(tables[0].dtype)


def mixed_colours(tables: Sequence[Array], weights: Sequence[float]) -> Array:
    """`mixed`, except that weights outside [0, 1] push no value farther outside [0, 1] than in any table."""
    low, high = np.minimum.reduce(tables), np.maximum.reduce(tables)
    return np.clip(mixed(tables, weights), np.minimum(low, 0), np.maximum(high, 1))
