"""Grain: fine detail of a painting beyond that of its style."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from nst3d.tensors import Array

_WINDOW, _STRIDE = 16, 8
_BANDS = (0.25, 0.35, 0.5, 0.75)
"""Edges of the bands, cycles per pixel: waves from four pixels down to the finest of the diagonal."""
_COVERED = 0.99
_RANKS = (np.arange(50) + 0.5) / 50
"""Quantiles of windows, by their power."""
_OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])
"""Light, red to green, blue to yellow: orthonormal."""

Masked = tuple[Array, Array]
"""A picture (h, w, 3) in [0, 1] and its mask (h, w), of which 1 counts."""


def grain(pictures: Iterable[Masked], styles: Iterable[Masked]) -> float | None:
    """How much stronger fine waves are in pictures than in the style's, RMS per channel in levels of 255.

    Both must be at the same scale. Power is compared band by band, light,
    red to green and blue to yellow apart, and from the quietest windows of both to the busiest: what the style has
    in its edges does not excuse speckle in a flat place. 0: as fine as the style. None if no 16 x 16 pixels of either
    are in the mask throughout.
    """
    painted = fine_power(pictures)
    wanted = fine_power(styles)
    if not (len(painted) and len(wanted)):
        return None
    excess = np.quantile(painted, _RANKS, axis=0) - np.quantile(wanted, _RANKS, axis=0)
    return 255 * float(np.sqrt(np.maximum(excess, 0).mean(0).sum() / 3))


def fine_power(pictures: Iterable[Masked]) -> Array:
    """The power (n, 3, 3) of fine waves by window, by radial band, and by light, red to green, blue to yellow.

    It is the contribution to the mean square of windows of 16 x 16 pixels (Hann's, mean removed) that lie in the
    mask; there are none if the mask is too narrow.
    """
    windows = np.concatenate([np.empty((0, _WINDOW, _WINDOW, 3)), *(_cut(*each) for each in pictures)])
    windows = (windows - windows.mean((1, 2), keepdims=True)) @ _OPPONENT.T
    taper = np.hanning(_WINDOW + 1)[:-1]
    taper = np.outer(taper, taper)[..., None]
    power = np.abs(np.fft.fft2(windows * taper, axes=(1, 2))) ** 2 / (_WINDOW**2 * (taper**2).sum())
    frequency = np.fft.fftfreq(_WINDOW)
    radius = np.hypot(frequency[:, None], frequency)
    bands = [(low <= radius) & (radius < high) for low, high in itertools.pairwise(_BANDS)]
    return np.stack([power[:, band].sum(1) for band in bands], axis=1)


def _cut(picture: Array, mask: Array) -> Array:
    """Windows (n, 16, 16, 3) that lie in the mask."""
    if min(mask.shape) < _WINDOW:
        return np.empty((0, _WINDOW, _WINDOW, 3))
    size = (_WINDOW, _WINDOW)
    inside = np.lib.stride_tricks.sliding_window_view(mask, size)[::_STRIDE, ::_STRIDE]
    windows = np.lib.stride_tricks.sliding_window_view(picture, size, (0, 1))[::_STRIDE, ::_STRIDE]
    return np.moveaxis(windows[inside.min((2, 3)) >= _COVERED], 1, -1)
