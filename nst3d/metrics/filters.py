"""Smoothing and gradients of one channel."""

from __future__ import annotations

import math

import numpy as np

from nst3d.tensors import Array


def smoothed(channel: Array, sigma: float) -> Array:
    """The channel (h, w) under a Gaussian of σ pixels, cut at 3 σ, its border pixels repeated beyond it; float64."""
    weights, _ = _kernels(sigma)
    return _down(_down(channel, weights).T, weights).T


def gradient(channel: Array, sigma: float = 1.0) -> tuple[Array, Array]:
    """The derivatives (h, w) of the smoothed channel to the right and downwards, per pixel.

    Waves of all directions are weakened alike, unlike by differences of neighbours.
    """
    weights, slopes = _kernels(sigma)
    return _down(_down(channel, weights).T, slopes).T, _down(_down(channel.T, weights).T, slopes)


def _kernels(sigma: float) -> tuple[Array, Array]:
    """A Gaussian whose sum is 1, and its derivative, under which a ramp of 1 per pixel becomes 1."""
    offsets = np.arange(-math.ceil(3 * sigma), math.ceil(3 * sigma) + 1)
    weights = np.exp(-np.square(offsets) / (2 * sigma**2))
    slopes = offsets * weights
    return weights / weights.sum(), slopes / (slopes * offsets).sum()


def _down(channel: Array, weights: Array) -> Array:
    """The sum of weights times the channel (h, w) around each pixel, along columns."""
    reach, length = len(weights) // 2, len(channel)
    padded = np.pad(np.asarray(channel, np.float64), ((reach, reach), (0, 0)), mode="edge")
    total = np.zeros(channel.shape)
    for place, weight in enumerate(weights):
        total += weight * padded[place : place + length]
    return total


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
