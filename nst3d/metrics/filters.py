"""Gradients of one channel, and masks that shrink and grow."""

from __future__ import annotations

import math

import numpy as np

from nst3d.metrics.gaussian import along_columns, window
from nst3d.tensors import Array


def gradient(channel: Array, sigma: float = 1.0) -> tuple[Array, Array]:
    """The derivatives (h, w) float64 of the channel, smoothed by a Gaussian, to the right and downwards, per pixel.

    Waves of all directions are weakened alike, unlike by differences of neighbours.
    """
    reach = math.ceil(3 * sigma)
    weights, offsets = window(sigma, reach), np.arange(-reach, reach + 1)
    slopes = offsets * weights / (offsets**2 * weights).sum()  # a ramp of 1 per pixel becomes 1
    channel = np.asarray(channel, np.float64)
    right = along_columns(along_columns(channel, weights).T, slopes).T
    return right, along_columns(along_columns(channel.T, weights).T, slopes)


def eroded(mask: Array, by: int) -> Array:
    """Where (h, w) bool the mask (h, w) is above 0.5 at all pixels of a square that reaches `by` pixels.

    Beyond the picture's border it counts as covered.
    """
    kept = np.asarray(mask) > 0.5
    return ~dilated(~kept, by)


def dilated(marks: Array, by: int) -> Array:
    """Where (h, w) bool one of the marks (h, w) bool is in a square that reaches `by` pixels."""
    for _ in range(2):
        length, padded = len(marks), np.pad(marks, ((by, by), (0, 0)))
        marks = np.any([padded[k : k + length] for k in range(2 * by + 1)], axis=0).T
    return marks
