"""Front-to-back compositing of splats, tile by tile."""

from __future__ import annotations

import numba
import numpy as np

from nst3d.kernels import kernel
from nst3d.renderers.splat_project import (
    ACROSS,
    ALONG,
    HEIGHT,
    LIMIT,
    MIN_ALPHA,
    OPACITY,
    SHEAR,
    X,
    Y,
)
from nst3d.renderers.splat_tiles import TILE

MAX_ALPHA = 0.999
"""Largest alpha of a splat in a pixel."""
MIN_LIGHT = 1e-4
"""A pixel is finished before the splat that would leave less transmittance than this."""
_AREA = TILE * TILE
_PATIENCE = 32
"""Number of splats between checks whether a tile is finished."""
_PLANES = 5
"""Planes accumulated by `draw` for each pixel: three colours, opacity and depth."""


def _fit() -> tuple[np.float32, ...]:
    """Coefficients of exp(−x) on [0, 0.75], relative error 3e-8: a Chebyshev interpolation."""
    nodes = 0.375 * (1 + np.cos(np.pi * (np.arange(7) + 0.5) / 7))
    return tuple(np.float32(c) for c in np.polynomial.polynomial.polyfit(nodes, np.exp(-nodes), 6))


_E0, _E1, _E2, _E3, _E4, _E5, _E6 = _fit()


@kernel()
def _weigh(state, row, centre, falloff, power, opacity):  # type: ignore[no-untyped-def]
    """Write a splat's weights in a row of a tile after the state's light, and attenuate the light.

    It has no branches and a fixed length, so that it vectorises. exp(−p) is the eighth power of a polynomial
    in p / 8. Light 0 marks a pixel as finished.
    """
    for i in range(TILE):
        at = np.uint64(row) + np.uint64(i)
        gap = np.float32(i) - centre
        t = min(power + falloff * gap * gap, np.float32(6.0)) * np.float32(0.125)
        e = _E0 + t * (_E1 + t * (_E2 + t * (_E3 + t * (_E4 + t * (_E5 + t * _E6)))))
        e *= e
        e *= e
        alpha = min(opacity * e * e, np.float32(MAX_ALPHA))
        alpha = alpha if alpha >= np.float32(MIN_ALPHA) else np.float32(0)
        light = state[at]
        weight = alpha * light
        rest = light - weight
        open_ = rest > np.float32(MIN_LIGHT)
        state[at] = rest if open_ else np.float32(0)
        state[at + np.uint64(_AREA)] = weight if open_ else np.float32(0)


@kernel()
def _finished(state):  # type: ignore[no-untyped-def]
    """Whether no light is left in any pixel of a tile."""
    left = 0
    for i in range(_AREA):
        left += state[i] > 0
    return left == 0


@kernel()
def _rows(splat, top):  # type: ignore[no-untyped-def]
    """First and last row that a splat reaches in the tile that starts at `top`."""
    first = max(np.ceil(splat[Y] - splat[HEIGHT] - 0.5) - top, 0.0)
    last = min(np.floor(splat[Y] + splat[HEIGHT] - 0.5) - top, TILE - 1.0)
    return int(first), int(last)


@kernel()
def _reach(state, splat, top, left, row):  # type: ignore[no-untyped-def]
    """Weigh a splat in a row of a tile; returns whether it is visible there."""
    dy = top + row + 0.5 - splat[Y]
    power = splat[ALONG] * dy * dy
    centre = splat[X] + splat[SHEAR] * dy - left - 0.5
    gap = max(max(-centre, centre - (TILE - 1)), 0.0)
    if power + splat[ACROSS] * gap * gap > splat[LIMIT]:
        return False
    single = np.float32
    _weigh(state, row * TILE, single(centre), single(splat[ACROSS]), single(power), single(splat[OPACITY]))
    return True


@kernel(parallel=True)
def draw_tiles(table, colours, tiles, across, out):  # type: ignore[no-untyped-def]
    """Composite tiles of (m, 4) colours and depths into (h, w, 5): colour, opacity, depth.

    The depth is that of the splat which raises the opacity above one half; if there is none, the sum of
    weighted depths. `tiles` is (first, starts, entries).
    """
    first, starts, entries = tiles
    for tile in numba.prange(len(starts) - 1):
        top, left = (first + tile) // across * TILE, (first + tile) % across * TILE
        # Planes of the state: light, weights of a splat, then the accumulated planes.
        state = np.zeros((2 + _PLANES) * _AREA, np.float32)
        state[:_AREA] = 1
        for entry in range(starts[tile], starts[tile + 1]):
            i = entries[entry]
            low, high = _rows(table[i], top)
            for row in range(low, high + 1):
                if _reach(state, table[i], top, left, row):
                    _gather(state, row * TILE, colours[i, 0], colours[i, 1], colours[i, 2], colours[i, 3])
            if (entry - starts[tile]) % _PATIENCE == _PATIENCE - 1 and _finished(state):
                break
        for row in range(min(TILE, out.shape[0] - top)):
            for column in range(min(TILE, out.shape[1] - left)):
                for plane in range(_PLANES):
                    out[top + row, left + column, plane] = state[(2 + plane) * _AREA + row * TILE + column]


@kernel()
def _gather(state, row, red, green, blue, depth):  # type: ignore[no-untyped-def]
    for i in range(TILE):
        at = np.uint64(row) + np.uint64(i)
        weight = state[at + np.uint64(_AREA)]
        state[at + np.uint64(2 * _AREA)] += weight * red
        state[at + np.uint64(3 * _AREA)] += weight * green
        state[at + np.uint64(4 * _AREA)] += weight * blue
        gathered = state[at + np.uint64(5 * _AREA)]
        opacity = gathered + weight
        state[at + np.uint64(5 * _AREA)] = opacity
        half = np.float32(0.5)
        middle = depth if gathered <= half else state[at + np.uint64(6 * _AREA)]
        mean = state[at + np.uint64(6 * _AREA)] + weight * depth
        state[at + np.uint64(6 * _AREA)] = mean if opacity <= half else middle


@kernel(parallel=True)
def count_tiles(table, tiles, across, cutoff, counts, sums):  # type: ignore[no-untyped-def]
    """Count the splats with a weight of at least `cutoff` in each pixel, into (h, w).

    The sum of their weights and that of all weights go into `sums`, (h, w, 2).
    """
    first, starts, entries = tiles
    for tile in numba.prange(len(starts) - 1):
        top, left = (first + tile) // across * TILE, (first + tile) % across * TILE
        # Planes of the state: light, weights of a splat, then the count and both sums.
        state = np.zeros(5 * _AREA, np.float32)
        state[:_AREA] = 1
        for entry in range(starts[tile], starts[tile + 1]):
            splat = table[entries[entry]]
            low, high = _rows(splat, top)
            for row in range(low, high + 1):
                if _reach(state, splat, top, left, row):
                    _tally(state, row * TILE, cutoff)
            if (entry - starts[tile]) % _PATIENCE == _PATIENCE - 1 and _finished(state):
                break
        for row in range(min(TILE, counts.shape[0] - top)):
            for column in range(min(TILE, counts.shape[1] - left)):
                at = row * TILE + column
                counts[top + row, left + column] = state[2 * _AREA + at]
                sums[top + row, left + column, 0] = state[3 * _AREA + at]
                sums[top + row, left + column, 1] = state[4 * _AREA + at]


@kernel()
def _tally(state, row, cutoff):  # type: ignore[no-untyped-def]
    for i in range(TILE):
        at = np.uint64(row) + np.uint64(i)
        weight = state[at + np.uint64(_AREA)]
        kept = weight >= cutoff and weight > 0
        state[at + np.uint64(2 * _AREA)] += np.float32(1) if kept else np.float32(0)
        state[at + np.uint64(3 * _AREA)] += weight if kept else np.float32(0)
        state[at + np.uint64(4 * _AREA)] += weight


@kernel(parallel=True)
def fill_tiles(table, tiles, across, cutoff, gains, cursors, columns, weights):  # type: ignore[no-untyped-def]
    """Write the entries that `count_tiles` counted, nearest first: table rows, and weights times the gain.

    `gains` is (h, w); `cursors` (h, w) is where each pixel's entries start, and is advanced to their end.
    """
    first, starts, entries = tiles
    for tile in numba.prange(len(starts) - 1):
        top, left = (first + tile) // across * TILE, (first + tile) % across * TILE
        state = np.zeros(2 * _AREA, np.float32)
        state[:_AREA] = 1
        wide = min(TILE, cursors.shape[1] - left)
        for entry in range(starts[tile], starts[tile + 1]):
            splat = table[entries[entry]]
            low, high = _rows(splat, top)
            for row in range(low, min(high + 1, cursors.shape[0] - top)):
                if not _reach(state, splat, top, left, row):
                    continue
                for column in range(wide):
                    weight = state[_AREA + row * TILE + column]
                    if weight >= cutoff and weight > 0:
                        place = cursors[top + row, left + column]
                        cursors[top + row, left + column] = place + 1
                        columns[place] = entries[entry]
                        weights[place] = weight * gains[top + row, left + column]
            if (entry - starts[tile]) % _PATIENCE == _PATIENCE - 1 and _finished(state):
                break
