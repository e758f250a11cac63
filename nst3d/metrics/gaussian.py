"""Gaussian filters of pictures, and the bands of detail between blurs."""

from __future__ import annotations

import itertools
import math

import numpy as np

from nst3d.tensors import Array

BANDS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Sigmas in pixels between which lie the bands of detail, an octave each, from the finest."""


def blurred(picture: Array, sigma: float, reach: int | None = None, beyond: bool = True) -> Array:
    """The picture (h, w, …) filtered by a Gaussian of `sigma` pixels; float32 stays so, all else becomes float64.

    Its window ends after `reach` pixels; None: three sigmas. Border pixels continue outwards; without `beyond`, only
    what has the whole window within the picture is given. ValueError for a sigma below 0; 0 changes nothing.
    """
    if sigma < 0:
        raise ValueError(f"a blur's sigma must be at least 0 pixels, not {sigma}")
    reach = math.ceil(3 * sigma) if reach is None else reach
    picture = picture if picture.dtype == np.float32 else np.asarray(picture, np.float64)
    if sigma == 0 or reach == 0:
        return picture
    weights = window(sigma, reach)
    for _ in range(2):  # along columns, then along rows
        picture = along_columns(picture, weights, beyond).swapaxes(0, 1)
    return np.ascontiguousarray(picture)


def window(sigma: float, reach: int) -> Array:
    """The weights (2 reach + 1,) of a Gaussian, whose sum is 1."""
    weights: Array = np.exp(-np.square(np.arange(-reach, reach + 1)) / (2 * sigma**2))
    return weights / weights.sum()


def along_columns(picture: Array, weights: Array, beyond: bool = True) -> Array:
    """The sum of weights (2 r + 1,) times the picture (h, …) around each pixel, along columns.

    Border pixels continue outwards; without `beyond`, rows without a whole window are left out.
    """
    reach = len(weights) // 2
    if beyond:
        picture = np.pad(picture, [(reach, reach), *[(0, 0)] * (picture.ndim - 1)], mode="edge")
    length = len(picture) - 2 * reach
    total = np.zeros((length, *picture.shape[1:]), picture.dtype)
    for place, weight in enumerate(weights.astype(picture.dtype)):
        total += weight * picture[place : place + length]
    return total


def bands_of(picture: Array) -> list[Array]:
    """The picture (h, w, c) between successive sigmas of `BANDS`, from the finest; they have no mean."""
    levels = [blurred(picture, sigma) for sigma in BANDS]
    return [fine - coarse for fine, coarse in itertools.pairwise(levels)]
