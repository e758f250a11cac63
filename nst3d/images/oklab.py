"""Oklab, a space in which equal distances look equally different."""

from __future__ import annotations

import torch

from nst3d.images.colour import srgb_decode

# Ottosson 2020, "A perceptual color space for image processing": linear sRGB to cone responses, and their cube roots
# to lightness, green-red and blue-yellow.
_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_AXES = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def oklab(colours: torch.Tensor) -> torch.Tensor:
    """Lightness in [0, 1] and two axes of hue (…, 3) of sRGB-encoded colours (…, 3) in [0, 1]."""
    cones = srgb_decode(colours) @ colours.new_tensor(_CONES).T
    roots = cones.sign() * cones.abs().pow(1 / 3)
    return roots @ colours.new_tensor(_AXES).T
