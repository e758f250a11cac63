"""How far the colours of a picture are from a style's, wherever in the picture they are."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Literal, final

import numpy as np
import torch

from nst3d.images.oklab import oklab
from nst3d.metrics.style import SlicedTarget
from nst3d.tensors import Array

ColourSpace = Literal["rgb", "oklab"]
_MOST = 16_384
"""Pixels of a picture at most, evenly spaced in its rows."""
_SLICES = 96

BINS = 64
"""Bins of a histogram along each axis."""
_REACH = 3.0
"""Logarithms of chroma from -3 to 3 are in the histogram."""
_FALL_OFF = 0.02
"""Half-width of a pixel's weight among the bins."""
_EPSILON = 1e-6


def colour_distance(
    picture: Array,
    style: Array,
    masks: tuple[Array | None, Array | None] = (None, None),
    space: ColourSpace = "oklab",
) -> float:
    """√3 times the sliced 2-Wasserstein distance of the colours of two pictures (h, w, 3): a shift by v is |v| away.

    In units of sRGB-encoded values, or of Oklab, in which white is 1 from black. 0 for equal colours in any order,
    symmetric. Masks (h, w) count above 0.5; ValueError if one covers nothing.
    """
    return ColourJudge(style, masks[1], space).colour_distance(picture, masks[0])


def uv_histogram_distance(
    picture: Array, style: Array, masks: tuple[Array | None, Array | None] = (None, None)
) -> float:
    """The Hellinger distance of the RGB-uv histograms of two pictures (h, w, 3), from 0, the same, to 1.

    Afifi, Brubaker & Brown 2021, "HistoGAN: controlling colors of GAN-generated and real images via color histograms".
    Masks (h, w) count above 0.5. Symmetric. ValueError if a mask covers nothing.
    """
    return ColourJudge(style, masks[1]).uv_histogram_distance(picture, masks[0])


@final
class ColourJudge:
    """A style's colours, read once, for distances of many pictures."""

    def __init__(self, style: Array, mask: Array | None = None, space: ColourSpace = "oklab") -> None:
        """A picture (h, w, 3) in [0, 1], and the mask (h, w) of what counts; `space` is that of `colour_distance`."""
        self._style, self._mask, self._space = style, mask, space

    def colour_distance(self, picture: Array, mask: Array | None = None) -> float:
        """See `colour_distance`."""
        return math.sqrt(3) * self._sliced.distance(_colours(picture, mask, self._space))

    def uv_histogram_distance(self, picture: Array, mask: Array | None = None) -> float:
        """See `uv_histogram_distance`."""
        mine = uv_histogram(picture, mask)
        return math.sqrt(float(np.square(np.sqrt(mine) - np.sqrt(self._histogram)).sum()) / 2)

    @cached_property
    def _sliced(self) -> SlicedTarget:
        return SlicedTarget(_colours(self._style, self._mask, self._space), _SLICES)

    @cached_property
    def _histogram(self) -> Array:
        return uv_histogram(self._style, self._mask)


def _colours(picture: Array, mask: Array | None, space: ColourSpace) -> torch.Tensor:
    """The pixels (n, 3) that count, in a colour space."""
    pixels = torch.from_numpy(_some(_pixels(picture, mask)))
    return oklab(pixels) if space == "oklab" else pixels


def uv_histogram(picture: Array, mask: Array | None = None) -> Array:
    """The RGB-uv histogram (3, 64, 64) of a picture (h, w, 3), whose sum is 1.

    For each channel, its log ratios to the two others are spread over bins from -3 to 3 with inverse quadratic weights,
    each pixel as much as it is bright: √(R² + G² + B²). Black pixels do not count. At most 16,384 pixels are looked at.
    ValueError if the mask covers nothing.
    """
    rows = _some(_pixels(picture, mask)).astype(np.float64)
    light = np.sqrt(np.square(rows).sum(1, keepdims=True))
    logs = np.log(rows + _EPSILON)
    bins = np.linspace(-_REACH, _REACH, BINS)
    histogram = np.empty((3, BINS, BINS))
    for channel in range(3):
        first, second = (logs[:, channel] - logs[:, other] for other in range(3) if other != channel)
        along, across = (
            1 / (1 + np.square((each[:, None] - bins) / _FALL_OFF)).astype(np.float32)
            for each in (first, second)
        )
        histogram[channel] = (along * light.astype(np.float32)).T @ across
    return histogram / max(histogram.sum(), _EPSILON)


def _pixels(picture: Array, mask: Array | None) -> Array:
    rows = np.asarray(picture, np.float32)[..., :3].reshape(-1, 3)
    rows = rows if mask is None else rows[np.asarray(mask).ravel() > 0.5]
    if not len(rows):
        raise ValueError("nothing counts in a picture: its mask covers no pixel")
    return rows.clip(0, 1)


def _some(rows: Array) -> Array:
    """At most `_MOST` rows, evenly spaced."""
    if len(rows) <= _MOST:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST).round().astype(int)]
