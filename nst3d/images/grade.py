"""Saturation, contrast, brightness and hue as one affine map of colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from nst3d.bounds import Within, check_bounds
from nst3d.images.colour import LUMA
from nst3d.tensors import Array

_PIVOT = 0.5


@dataclass(frozen=True)
class Grade:
    """A change of sRGB-encoded colours c -> M c + b: first hue and saturation, then contrast, then brightness.

    As it is affine, a table that it is applied to changes every view exactly as if it were applied to the view's
    pixels, where nothing is clamped.
    """

    saturation: Annotated[float, Within(0, 8)] = 1.0
    """Factor of the chroma, c minus its luminance; 0: grey, 1: unchanged."""
    contrast: Annotated[float, Within(0, 8)] = 1.0
    """Factor of the distance from mid grey, 0.5; 1: unchanged."""
    brightness: Annotated[float, Within(-1, 1)] = 0.0
    """Added to all channels."""
    hue: Annotated[float, Within(-2 * math.pi, 2 * math.pi)] = 0.0
    """Turn of the chroma at equal luminance, radians; positive from red towards yellow."""

    def __post_init__(self) -> None:
        """Raise ConfigError for numbers out of bounds."""
        check_bounds(self, "")

    @property
    def neutral(self) -> bool:
        """Whether it changes nothing."""
        return self == Grade()

    @property
    def matrix(self) -> Array:
        """M, (3, 3) float64."""
        luma, ones = np.array(LUMA), np.ones(3)
        red, blue = np.array([2, -1, -1]) / math.sqrt(6), np.array([0, 1, -1]) / math.sqrt(2)
        basis = np.stack(
            [luma, red, blue]
        )  # a colour's luminance, and its place in the plane across the greys
        cosine, sine = math.cos(self.hue), math.sin(self.hue)
        turned = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
        hue = np.linalg.inv(basis) @ turned @ basis
        grey = np.outer(ones, luma)
        return self.contrast * (grey + self.saturation * (np.eye(3) - grey)) @ hue

    @property
    def offset(self) -> Array:
        """b, (3,) float64."""
        return np.full(3, _PIVOT * (1 - self.contrast) + self.brightness)

    def apply(self, colours: Array) -> Array:
        """The colours (..., 3) changed, in their own dtype, and no farther outside [0, 1] than they were."""
        if self.neutral:
            return colours
        moved = colours.astype(np.float64) @ self.matrix.T + self.offset
        return np.clip(moved, np.minimum(colours, 0), np.maximum(colours, 1)).astype(colours.dtype)
