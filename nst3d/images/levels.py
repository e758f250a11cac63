"""Values in [0, 1] as levels of 8 bits and back, and the values of Pillow's pictures."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from nst3d.tensors import Array


def to_bytes(values: Array | torch.Tensor) -> Array:
    """Values in [0, 1], clamped, as uint8: the nearest of 256 levels, halves up. NaN raises ValueError."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    if np.isnan(values).any():
        raise ValueError("the picture contains NaN, expected values in [0, 1]")
    return (np.clip(values, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def from_bytes(values: Array) -> Array:
    """Values in [0, 1] as float32: levels (uint8) divided by 255, floats as they are."""
    if values.dtype != np.uint8:
        return values
    floats = values.astype(np.float32)
    floats /= np.float32(255)
    return floats


def floats_of(image: Image.Image) -> tuple[Array, Array | None]:
    """Pixels (h, w, 3) and alpha (h, w) of a picture in RGB or RGBA, or of one in grey floats: float32 in [0, 1]."""
    data = np.asarray(image)
    if data.ndim == 2:
        return np.repeat(data.clip(0, 1)[..., None], 3, axis=-1), None
    values = from_bytes(data)
    return np.ascontiguousarray(values[..., :3]), values[..., 3].copy() if values.shape[2] == 4 else None


def levels_of(image: Image.Image) -> tuple[Array, Array | None]:
    """Like `floats_of`, but levels (uint8) unless the picture has more than 8 bits."""
    data = np.asarray(image)
    if data.ndim == 2:
        return floats_of(image)
    return np.ascontiguousarray(data[..., :3]), data[..., 3].copy() if data.shape[2] == 4 else None
