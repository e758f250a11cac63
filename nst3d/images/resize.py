"""Resizes pictures without aliasing."""

from __future__ import annotations

from typing import Literal, TypeVar

import torch
import torch.nn.functional as F

from nst3d.tensors import Array, Image, ImageSize, Planes, to_image, to_planes

Picture2D = TypeVar("Picture2D", Array, Image)


def resize(
    image: Picture2D, size: tuple[int, int], mode: Literal["bilinear", "bicubic"] = "bilinear"
) -> Picture2D:
    """The picture (h, w, c) at `size` (height, width), with each new pixel averaged over the area it covers.

    Floating-point array or tensor; differentiable for a tensor. "bicubic" is sharper and is clamped to [0,
    1], because it overshoots. A picture that already has that size is returned as is.
    """
    if tuple(image.shape[:2]) == tuple(size):
        return image
    if not isinstance(image, torch.Tensor):
        return resize(Image(torch.from_numpy(image)), size, mode).numpy()
    planes = to_planes(image)[None]
    resized = F.interpolate(planes, tuple(size), mode=mode, align_corners=False, antialias=True)
    if mode == "bicubic":
        resized = resized.clamp(0, 1)
    return to_image(Planes(resized[0]))


def fitted_size(size: tuple[int, int], long_side: int) -> ImageSize:
    """The (height, width) with the same aspect ratio whose longer side is `long_side`; no side is below 1."""
    scale = long_side / max(size)
    return ImageSize(*(max(1, round(side * scale)) for side in size))


def fit_long_side(image: Picture2D, long_side: int) -> Picture2D:
    """The picture (h, w, c) resized so that its longer side has `long_side` pixels."""
    return resize(image, fitted_size((image.shape[0], image.shape[1]), long_side))
