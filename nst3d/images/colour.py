"""The sRGB transfer curve, for numpy arrays and torch tensors, and the weights of its primaries in brightness."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch

from nst3d.tensors import Array

Values = TypeVar("Values", Array, torch.Tensor)

LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of R, G, B in brightness (Rec. 709, whose primaries sRGB has)."""


def srgb_decode(encoded: Values) -> Values:
    """Linear light from sRGB-encoded values, elementwise (IEC 61966-2-1, the piecewise curve).

    Any shape; differentiable. Values outside [0, 1] follow the curve's extension, which is linear below 0.
    """
    # The floor keeps the unused branch, and hence the gradient, finite.
    if isinstance(encoded, torch.Tensor):
        power = ((encoded.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
        return torch.where(encoded <= 0.04045, encoded / 12.92, power)
    power = ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, encoded / 12.92, power).astype(_floating(encoded), copy=False)


def srgb_encode(linear: Values) -> Values:
    """sRGB-encoded values from linear light, elementwise: the inverse of `srgb_decode`."""
    if isinstance(linear, torch.Tensor):
        power = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
        return torch.where(linear <= 0.0031308, linear * 12.92, power)
    power = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, power).astype(_floating(linear), copy=False)


def _floating(values: Array) -> np.dtype:
    return values.dtype if np.issubdtype(values.dtype, np.floating) else np.dtype(np.float64)
