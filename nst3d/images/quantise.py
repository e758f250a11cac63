"""Colour quantisation: repeatedly split boxes, then Lloyd's iteration. Deterministic."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array

_ROUNDS = 12
_BINS = 64
"""Bins per channel into which colours are merged before splitting, if there are many."""
_MANY = 20_000
_CHUNK = 1 << 15


def quantise(colours: Array, weights: Array, most: int) -> tuple[Array, Array]:
    """A palette (m, 3) uint8 of m ≤ `most` colours, and the entry (n,) of each of `colours` (n, 3) uint8.

    Least squares with `weights` (n,) > 0: the box with the largest variance is split where that leaves the
    least variance (Wu 1991) until there are `most`, followed by Lloyd's iteration (1982). If there are at
    most `most` distinct colours, they are the palette. Entries are sorted, red first.
    """
    keys = colours.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    distinct, inverse = np.unique(keys, return_inverse=True)
    inverse = inverse.reshape(-1)
    values = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], axis=1)
    if len(distinct) <= most:
        return values.astype(np.uint8), inverse
    shares = np.bincount(inverse, weights, len(distinct))
    centres = _palette(values.astype(np.float64), shares, most)
    # Rounding may merge two of them.
    palette = np.unique(np.rint(centres), axis=0)
    return palette.astype(np.uint8), nearest(values.astype(np.float64), palette)[inverse]


def nearest(values: Array, palette: Array) -> Array:
    """Index (n,) of the entry of `palette` (m, c) closest to each of `values` (n, c); the first if tied."""
    found = np.empty(len(values), np.int64)
    for start in range(0, len(values), _CHUNK):
        some = values[start : start + _CHUNK]
        distance = np.zeros((len(some), len(palette)))
        for channel in range(values.shape[1]):
            distance += np.square(some[:, channel, None] - palette[None, :, channel])
        found[start : start + _CHUNK] = distance.argmin(1)
    return found


def _palette(values: Array, weights: Array, most: int) -> Array:
    if len(values) > _MANY:
        values, weights = _gathered(values, weights)
    centres = _cut(values, weights, most)
    for _ in range(_ROUNDS):
        labels = nearest(values, centres)
        centres, before = _means(values, weights, labels, centres), centres
        if np.array_equal(centres, before):
            break
    return centres


def _gathered(values: Array, weights: Array) -> tuple[Array, Array]:
    """The mean and the weight of the values in each non-empty bin."""
    cell = (values * (_BINS / 256)).astype(np.int64) @ np.array([_BINS * _BINS, _BINS, 1])
    _, labels = np.unique(cell, return_inverse=True)
    labels = labels.reshape(-1)
    count = int(labels.max()) + 1
    return _means(values, weights, labels, np.zeros((count, 3))), np.bincount(labels, weights, count)


def _means(values: Array, weights: Array, labels: Array, otherwise: Array) -> Array:
    """The weighted mean of each label's values; `otherwise` for labels without values."""
    total = np.bincount(labels, weights, len(otherwise))
    sums = [np.bincount(labels, weights * values[:, k], len(otherwise)) for k in range(3)]
    means = np.stack(sums, axis=1) / np.maximum(total, 1e-300)[:, None]
    return np.where(total[:, None] > 0, means, otherwise)


def _cut(values: Array, weights: Array, most: int) -> Array:
    """Means (≤ most, 3) of boxes; the one with the largest squared error is split in two repeatedly."""
    boxes = [np.arange(len(values))]
    errors = [_spread(values, weights, boxes[0])]
    while len(boxes) < most:
        worst = int(np.argmax([error.sum() for error in errors]))
        if errors[worst].sum() <= 0:
            break
        box, axis = boxes[worst], int(errors[worst].argmax())
        order = box[np.argsort(values[box, axis], kind="stable")]
        middle = _best_cut(values[order, axis], weights[order])
        boxes[worst : worst + 1] = halves = [order[:middle], order[middle:]]
        errors[worst : worst + 1] = [_spread(values, weights, half) for half in halves]
    return np.stack([np.average(values[box], axis=0, weights=weights[box]) for box in boxes])


def _best_cut(values: Array, weights: Array) -> int:
    """Number of sorted values (n,), n > 1, in the first half of the split with the least variance."""
    values = values - values[0]
    share, total = np.cumsum(weights), np.cumsum(weights * values)
    first, second = total[:-1], total[-1] - total[:-1]
    between = first * first / share[:-1] + second * second / (share[-1] - share[:-1])
    return 1 + int(between.argmax())


def _spread(values: Array, weights: Array, box: Array) -> Array:
    """Weighted sum of squared distances from the mean along each axis, (3,)."""
    mean = np.average(values[box], axis=0, weights=weights[box])
    return np.asarray(weights[box] @ np.square(values[box] - mean))
