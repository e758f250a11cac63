"""Lists of the splats in each tile of the image, nearest first, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numba
import numpy as np

from nst3d.kernels import kernel
from nst3d.renderers.splat_project import ACROSS, ALONG, HEIGHT, LIMIT, SHEAR, TURN, Footprints, X, Y
from nst3d.tensors import Array, ImageSize

TILE = 16
"""Side of a tile, pixels."""
_CHUNKS = 16
"""Number of chunks that are sorted in parallel; fixed, so that results do not depend on threads."""


class Tiles(NamedTuple):
    """The splats of consecutive tiles, in row-major order."""

    first: int
    """The first tile."""
    starts: Array
    """(tiles + 1,) int64: tile `first` + i has entries starts[i] … starts[i + 1]."""
    entries: Array
    """int32 rows of the footprints' table, nearest first."""


class TileIndex:
    """Counts of the splats that reach each tile, and their lists on request."""

    def __init__(self, footprints: Footprints, size: ImageSize) -> None:
        """Count the splats in each tile."""
        self.across = -(-size.width // TILE)
        self._table = footprints.table
        self._cuts = np.linspace(0, len(self._table), _CHUNKS + 1).astype(np.int64)
        down = -(-size.height // TILE)
        self._counts = np.zeros((_CHUNKS, down * self.across), np.int64)
        _count(self._table, self._cuts, (down, self.across), self._counts)

    def lists(self, most: int) -> Iterator[Tiles]:
        """The lists of all tiles, in groups of tiles with at most `most` entries in total.

        A single tile may exceed `most`, up to the number of splats.
        """
        totals = np.concatenate([[0], np.cumsum(self._counts.sum(0))])
        first = 0
        while first < len(totals) - 1:
            last = max(int(np.searchsorted(totals, totals[first] + most, side="right")) - 1, first + 1)
            starts = totals[first : last + 1] - totals[first]
            entries = np.empty(starts[-1], np.int32)
            counts = self._counts[:, first:last]
            cursors = starts[:-1] + np.cumsum(counts, axis=0) - counts
            _fill(self._table, self._cuts, (first, last, self.across), cursors, entries)
            yield Tiles(first, starts, entries)
            first = last


@kernel(error_model="numpy")
def _tile_rows(splat, down):  # type: ignore[no-untyped-def]
    """First and last row of tiles that a footprint reaches; the last is smaller if it reaches none."""
    top = max(np.ceil(splat[Y] - splat[HEIGHT] - 0.5), 0.0)
    bottom = min(np.floor(splat[Y] + splat[HEIGHT] - 0.5), down * TILE - 1.0)
    return (int(top) // TILE, int(bottom) // TILE) if bottom >= top else (0, -1)


@kernel(error_model="numpy")
def _tile_columns(splat, row, across):  # type: ignore[no-untyped-def]
    """First and last tile that a footprint reaches in a row of tiles; the last is smaller if none."""
    above, below = row * TILE + 0.5 - splat[Y], row * TILE + TILE - 0.5 - splat[Y]
    # The ellipse's right edge is concave in dy, so its extreme point in a band is at the clamped TURN.
    right = min(max(splat[TURN], above), below)
    left = min(max(-splat[TURN], above), below)
    reach = splat[LIMIT] / splat[ACROSS]
    squeeze = splat[ALONG] / splat[ACROSS]
    most = splat[X] + splat[SHEAR] * right + math.sqrt(max(reach - squeeze * right * right, 0.0))
    least = splat[X] + splat[SHEAR] * left - math.sqrt(max(reach - squeeze * left * left, 0.0))
    low, high = max(np.ceil(least - 0.5), 0.0), min(np.floor(most - 0.5), across * TILE - 1.0)
    return (int(low) // TILE, int(high) // TILE) if high >= low else (0, -1)


@kernel(parallel=True)
def _count(table, cuts, grid, counts):  # type: ignore[no-untyped-def]
    down, across = grid
    for chunk in numba.prange(len(cuts) - 1):
        for i in range(cuts[chunk], cuts[chunk + 1]):
            top, bottom = _tile_rows(table[i], down)
            for row in range(top, bottom + 1):
                left, right = _tile_columns(table[i], row, across)
                for column in range(left, right + 1):
                    counts[chunk, row * across + column] += 1


@kernel(parallel=True)
def _fill(table, cuts, span, cursors, entries):  # type: ignore[no-untyped-def]
    """Counting sort of the tiles first … last: each chunk has its own range in each tile's list."""
    first, last, across = span
    for chunk in numba.prange(len(cuts) - 1):
        for i in range(cuts[chunk], cuts[chunk + 1]):
            top, bottom = _tile_rows(table[i], (last - 1) // across + 1)
            for row in range(max(top, first // across), bottom + 1):
                left, right = _tile_columns(table[i], row, across)
                low, high = max(left, first - row * across), min(right, last - 1 - row * across)
                for column in range(low, high + 1):
                    tile = row * across + column - first
                    entries[cursors[chunk, tile]] = i
                    cursors[chunk, tile] += 1
