"""The sRGB transfer curve, for numpy arrays and torch tensors, and the weights of its primaries in brightness."""

from __future__ import annotations

import string
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


def luminance(colours: torch.Tensor) -> torch.Tensor:
    """LUMA · c of sRGB-encoded colours (..., 3), (..., 1): the first axis of an opponent space, as Y of YIQ is.

    What it leaves of a colour, c - Y (1, 1, 1), is the chroma. Both are linear in the encoded values, in which views
    mix them, so that a view's chroma is the mean of its rows' chroma.
    """
    return (colours * colours.new_tensor(LUMA)).sum(-1, keepdim=True)


def hex_colour(text: str) -> tuple[float, float, float]:
    """The sRGB-encoded colour of "#rrggbb" or "#rgb", the mark being optional. ValueError for anything else."""
    digits = text.strip().removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * d for d in digits)
    if len(digits) != 6 or not set(digits) <= set(string.hexdigits):
        raise ValueError(f"{text.strip()!r} is not a colour: expected #rrggbb, such as #1f4e79")
    red, green, blue = bytes.fromhex(digits)
    return red / 255, green / 255, blue / 255


def _floating(values: Array) -> np.dtype:
    return values.dtype if np.issubdtype(values.dtype, np.floating) else np.dtype(np.float64)
