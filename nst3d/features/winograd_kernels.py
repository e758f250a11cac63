"""The transforms of Winograd's F(4 x 4, 3 x 3), compiled for the CPU.

A convolution with kernels of 3 x 3 is Aᵀ [Σ (G K Gᵀ) (Bᵀ P B)] A for each tile of 4 x 4 pixels of its result, where P
are the 6 x 6 pixels that the tile reads, K the kernels, and the sum is over channels. Lavin and Gray, "Fast Algorithms
for Convolutional Neural Networks", CVPR 2016, section 4.3.
"""

from __future__ import annotations

import numba
import numpy as np

from nst3d.kernels import kernel

OUT = 4
"""Pixels of the result on a tile's side."""
SIDE = 6
"""Pixels that a tile reads on its side: those of its result, and one more at either end."""
# Products of floats and Python's integers would be in double precision.
_2, _4, _5, _8 = np.float32(2), np.float32(4), np.float32(5), np.float32(8)


@kernel(parallel=True, fastmath=True)
def analyse(planes, first, across, tiles):  # type: ignore[no-untyped-def]
    """Bᵀ P B of rows of tiles, from row `first`, each `across` tiles long; planes (h, w, c), tiles (36, n, c).

    Pixels outside of the planes are zero.
    """
    height, width, channels = planes.shape
    for row in numba.prange(tiles.shape[1] // across):
        columns = np.empty((SIDE, SIDE, channels), planes.dtype)
        patch = np.empty((SIDE, SIDE, channels), planes.dtype)
        top = OUT * (first + row) - 1
        for column in range(across):
            left = OUT * column - 1
            index = row * across + column
            if top >= 0 and left >= 0 and top + SIDE <= height and left + SIDE <= width:
                _analyse_tile(planes, top, left, columns, tiles, index)
            else:
                _cut(planes, top, left, patch)
                _analyse_tile(patch, 0, 0, columns, tiles, index)


@kernel(parallel=True, fastmath=True)
def synthesise(tiles, bias, first, across, planes):  # type: ignore[no-untyped-def]
    """Aᵀ T A + bias of rows of tiles, from row `first`, each `across` long; tiles (36, n, c), planes (h, w, c)."""
    channels = planes.shape[2]
    for row in numba.prange(tiles.shape[1] // across):
        columns = np.empty((OUT, SIDE, channels), planes.dtype)
        patch = np.empty((OUT, OUT, channels), planes.dtype)
        top = OUT * (first + row)
        for column in range(across):
            left = OUT * column
            index = row * across + column
            if top + OUT <= planes.shape[0] and left + OUT <= planes.shape[1]:
                _synthesise_tile(tiles, index, bias, columns, planes, top, left)
            else:
                _synthesise_tile(tiles, index, bias, columns, patch, 0, 0)
                rows, wide = min(OUT, planes.shape[0] - top), min(OUT, planes.shape[1] - left)
                planes[top : top + rows, left : left + wide] = patch[:rows, :wide]


@kernel(fastmath=True)
def _analyse_tile(planes, top, left, columns, tiles, index):  # type: ignore[no-untyped-def]
    # Loops over channels are innermost, so that they become vectors; what they read are rows, which are pointers there.
    channels = planes.shape[2]
    for j in range(SIDE):
        x = left + j
        p0, p1, p2 = planes[top, x], planes[top + 1, x], planes[top + 2, x]
        p3, p4, p5 = planes[top + 3, x], planes[top + 4, x], planes[top + 5, x]
        for c in range(channels):
            made = _six(p0[c], p1[c], p2[c], p3[c], p4[c], p5[c])
            for i in range(SIDE):
                columns[i, j, c] = made[i]
    for i in range(SIDE):
        p0, p1, p2 = columns[i, 0], columns[i, 1], columns[i, 2]
        p3, p4, p5 = columns[i, 3], columns[i, 4], columns[i, 5]
        for c in range(channels):
            made = _six(p0[c], p1[c], p2[c], p3[c], p4[c], p5[c])
            for j in range(SIDE):
                tiles[SIDE * i + j, index, c] = made[j]


@kernel(fastmath=True)
def _synthesise_tile(tiles, index, bias, columns, planes, top, left):  # type: ignore[no-untyped-def]
    channels = planes.shape[2]
    for j in range(SIDE):
        t0, t1, t2 = tiles[j, index], tiles[SIDE + j, index], tiles[2 * SIDE + j, index]
        t3, t4, t5 = tiles[3 * SIDE + j, index], tiles[4 * SIDE + j, index], tiles[5 * SIDE + j, index]
        for c in range(channels):
            made = _four(t0[c], t1[c], t2[c], t3[c], t4[c], t5[c])
            for i in range(OUT):
                columns[i, j, c] = made[i]
    for i in range(OUT):
        p0, p1, p2 = columns[i, 0], columns[i, 1], columns[i, 2]
        p3, p4, p5 = columns[i, 3], columns[i, 4], columns[i, 5]
        for c in range(channels):
            made = _four(p0[c], p1[c], p2[c], p3[c], p4[c], p5[c])
            for j in range(OUT):
                planes[top + i, left + j, c] = made[j] + bias[c]


@kernel()
def _cut(planes, top, left, patch):  # type: ignore[no-untyped-def]
    height, width, _ = planes.shape
    for i in range(SIDE):
        for j in range(SIDE):
            y, x = top + i, left + j
            if 0 <= y < height and 0 <= x < width:
                patch[i, j] = planes[y, x]
            else:
                patch[i, j] = 0


@kernel(fastmath=True)
def _six(a, b, c, d, e, f):  # type: ignore[no-untyped-def]
    """Bᵀ times a column."""
    even, odd = e - _4 * c, d - _4 * b
    near, far = e - c, _2 * (d - b)
    return _4 * a - _5 * c + e, even + odd, even - odd, near + far, near - far, _4 * b - _5 * d + f


@kernel(fastmath=True)
def _four(a, b, c, d, e, f):  # type: ignore[no-untyped-def]
    """Aᵀ times a column."""
    one, one_less, two, two_less = b + c, b - c, d + e, d - e
    return a + one + two, one_less + _2 * two_less, one + _4 * two, one_less + _8 * two_less + f
