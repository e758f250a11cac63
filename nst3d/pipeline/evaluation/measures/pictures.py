"""Frames and styles in the form that metrics take."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.metrics.style import Masked
from nst3d.pipeline.evaluation.rows import Row
from nst3d.tensors import Array, Mask


def mask_of(opacity: Array) -> Mask | None:
    """An opacity (h, w) as a mask; None if everything counts."""
    return None if opacity.min() > 0.5 else Mask(torch.from_numpy(opacity).float())


def covering(picture: Array, size: tuple[int, int]) -> Array:
    """A picture (h, w, c) at its own scale on a canvas of another size: its middle, or mirrored beyond its borders."""
    for axis, (own, side) in enumerate(zip(picture.shape, size)):
        missing, cut = max(0, side - own), max(0, own - side)
        widths = [(0, 0)] * picture.ndim
        widths[axis] = missing // 2, missing - missing // 2
        first = cut // 2
        picture = np.pad(picture, widths, mode="symmetric").take(range(first, first + side), axis)
    return picture


def style_pictures(row: Row) -> list[Masked]:
    """The pictures of a row's styles, as large as its frames, with what is opaque in them."""
    long = max(row.take.views.frames[0].shape[:2])
    return [each for style in row.styles for each in zip(style.at(long), style.opacities_at(long))]
