"""Changes of finished colour tables: their weighted mean, a grade, and the region in which they apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nst3d.images.grade import Grade
from nst3d.pipeline.kinds.regions import Selectors, region_column
from nst3d.tensors import Array


@dataclass(frozen=True)
class Mix:
    """What becomes of the tables of one or several versions of a scene."""

    weights: Sequence[float] = (1.0,)
    """Weight of each version; they sum to 1."""
    grade: Grade = field(default_factory=Grade)
    """Applied to their mean."""
    region: str | None = None
    """Region in which all this applies, by its weights; None: everywhere."""

    def column(self, selectors: Selectors) -> Array | None:
        """The region's weights (n, 1) float32, None if there is none. ConfigError for one that the scene lacks."""
        if self.region is None:
            return None
        column: Array = region_column(self.region, selectors).cpu().numpy()
        return column

    def colours(self, tables: Sequence[Array], column: Array | None = None) -> Array:
        """The new table (n, 3) from those of all versions: the first one's bits where nothing changes."""
        return within(column, self.grade.apply(mixed_colours(tables, self.weights)), tables[0])


def within(column: Array | None, inside: Array, outside: Array) -> Array:
    """`inside` by the weights `column` (n, 1), `outside` by what is left, bit for bit where that is all of it.

    Both (n, ...), in the outside's dtype; None: `inside` everywhere.
    """
    if column is None:
        return inside
    weights = column.astype(np.float64).reshape(-1, *[1] * (outside.ndim - 1))
    mean = outside + weights * (inside.astype(np.float64) - outside)
    return np.where(weights == 0, outside, np.where(weights == 1, inside, mean)).astype(outside.dtype)


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
