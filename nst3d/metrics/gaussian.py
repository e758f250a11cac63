"""Gaussian blur of pictures, and the bands of detail between blurs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.tensors import Array

BANDS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Sigmas in pixels between which lie the bands of detail, an octave each, from the finest."""


def blurred(picture: Array, sigma: float) -> Array:
    """The picture (h, w, c) float32 filtered by a Gaussian of `sigma` pixels; borders continue outwards.

    The window ends at three sigmas. ValueError for a sigma below 0; 0 changes nothing.
    """
    if sigma < 0:
        raise ValueError(f"a blur's sigma must be at least 0 pixels, not {sigma}")
    radius = math.ceil(3 * sigma)
    if radius == 0:
        return picture.astype(np.float32)
    window = torch.exp(-(torch.arange(-radius, radius + 1, dtype=torch.float64) ** 2) / (2 * sigma**2))
    window = (window / window.sum()).float()
    planes = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[:, None]
    planes = F.conv2d(F.pad(planes, (radius, radius, 0, 0), mode="replicate"), window.view(1, 1, 1, -1))
    planes = F.conv2d(F.pad(planes, (0, 0, radius, radius), mode="replicate"), window.view(1, 1, -1, 1))
    return planes[:, 0].permute(1, 2, 0).contiguous().numpy()


def bands_of(picture: Array) -> list[Array]:
    """The picture (h, w, c) between successive sigmas of `BANDS`, from the finest; they have no mean."""
    levels = [blurred(picture, sigma) for sigma in BANDS]
    return [fine - coarse for fine, coarse in itertools.pairwise(levels)]
