"""Grain: fine detail of a painting beyond that of its style and of what it paints."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from nst3d.tensors import Array

_WINDOW, _STRIDE = 24, 12
_BANDS = (0.18, 0.25, 0.35, 0.5, 0.75)
"""Edges of the bands, cycles per pixel: waves from five and a half pixels down to the finest of the diagonal. On 24
pixels, Hann's window keeps waves of eight, which strokes have, out of the first."""
_COVERED = 0.99
_BUSIEST = 0.99
"""The share of windows that count, from the quietest: the extremes of two samples do not compare."""
_OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])
"""Light, red to green, blue to yellow: orthonormal."""

Masked = tuple[Array, Array]
"""A picture (h, w, 3) in [0, 1] and its mask (h, w), of which 1 counts."""


def grain(
    pictures: Iterable[Masked], styles: Iterable[Masked], contents: Iterable[Array] | None = None
) -> float | None:
    """How much stronger fine waves are than the style and the content account for, RMS per channel in levels of 255.

    All must be at the same scale; `contents` (h, w, 3) are the unpainted pictures, one for each of `pictures`. A
    window's power is compared band by band, light, red to green and blue to yellow apart, with the larger of two: the
    style's at the same rank, from the quietest window to the busiest, and the content's in the same window. So neither
    the edges of a style nor masonry elsewhere excuse speckle in a flat place, and masonry itself is no speckle. 0: as
    fine as these. None if no 24 x 24 pixels of pictures or styles are in the mask throughout.
    """
    pictures = list(pictures)
    painted, wanted = fine_power(pictures), fine_power(styles)
    if not (len(painted) and len(wanted)):
        return None
    ranks = painted.argsort(0).argsort(0)
    shares = (np.arange(len(painted)) + 0.5) / len(painted)
    allowed = np.take_along_axis(np.quantile(wanted, shares, axis=0, method="hazen"), ranks, 0)
    if contents is not None:
        kept = fine_power((content, mask) for content, (_, mask) in zip(contents, pictures, strict=True))
        allowed = np.maximum(allowed, kept)
    excess = np.where(shares[ranks] <= _BUSIEST, np.maximum(painted - allowed, 0), 0)
    return 255 * float(np.sqrt(excess.mean(0).sum() / 3))


def fine_power(pictures: Iterable[Masked]) -> Array:
    """The power (n, 4, 3) of fine waves by window, by radial band, and by light, red to green, blue to yellow.

    It is the contribution to the mean square of windows of 24 x 24 pixels (Hann's, mean removed) that lie in the
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
    """Windows (n, 24, 24, 3) that lie in the mask."""
    if min(mask.shape) < _WINDOW:
        return np.empty((0, _WINDOW, _WINDOW, 3))
    size = (_WINDOW, _WINDOW)
    inside = np.lib.stride_tricks.sliding_window_view(mask, size)[::_STRIDE, ::_STRIDE]
    windows = np.lib.stride_tricks.sliding_window_view(picture, size, (0, 1))[::_STRIDE, ::_STRIDE]
    return np.moveaxis(windows[inside.min((2, 3)) >= _COVERED], 1, -1)
