"""Types for tensor shapes in signatures, and the way from one layout of a picture to the other.

Colour tables and images are float tensors; the trailing axis is RGB in [0, 1] unless a docstring says
otherwise. `n` counts rows of a colour table, `h` and `w` are pixels, `c` channels.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NewType, TypeAlias

import numpy as np
import torch

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Colours: TypeAlias = torch.Tensor  # (n, c): one row per texel, vertex, voxel corner or splat
Image = NewType("Image", torch.Tensor)
"""(h, w, c), top row first. A type checker refuses `Planes` in its place."""
Planes = NewType("Planes", torch.Tensor)
"""(c, h, w): a picture in the layout of encoders and losses. A type checker refuses an `Image` in its place."""
Features: TypeAlias = torch.Tensor  # (c, h, w) or (c, 1, n): feature maps of an encoder
Mask: TypeAlias = torch.Tensor  # (h, w) in [0, 1]
Share: TypeAlias = float | Array  # a fraction for all rows, or one per row (n,)


class ImageSize(NamedTuple):
    """Height and width of an image, in pixels."""

    height: int
    width: int


def to_planes(image: Image) -> Planes:
    """The picture (h, w, c) as (c, h, w): a view of the same memory."""
    return Planes(image.permute(2, 0, 1))


def to_image(planes: Planes) -> Image:
    """The picture (c, h, w) as (h, w, c): a view of the same memory."""
    return Image(planes.permute(1, 2, 0))


def planes_of(frame: Array) -> Planes:
    """A frame (h, w, c) of uint8, or of floats in [0, 1], as planes (c, h, w) float32 in [0, 1]."""
    scale = 255 if frame.dtype == np.uint8 else 1
    return Planes(torch.from_numpy(frame.astype("float32") / scale).permute(2, 0, 1).contiguous())
