"""Frames in a style's colours, not painted otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch

from nst3d.images.palette import PaletteMap, match_palette
from nst3d.stylize.style import Style
from nst3d.tensors import Image, Planes, to_image, to_planes

_PIXELS = 500_000
"""Pixels of a shot whose colours are counted."""


@final
class PaletteFrames:
    """Gives the colours of a shot the mean and covariance of a style's, by one map for all of its frames."""

    def __init__(self, style: Style, strength: float = 1.0) -> None:
        """`strength` in [0, 1]: from no change to the full transfer. A style without pictures changes nothing."""
        self._palette, self._strength = style.palette.double(), strength
        self._map = PaletteMap(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))

    def begin(self, samples: Sequence[Planes]) -> None:
        """Make the shot's map from the colours of these frames."""
        if not len(self._palette):
            return
        pixels = torch.cat([sample.flatten(1).T for sample in samples])
        seen = pixels[:: max(1, len(pixels) // _PIXELS)].double()
        self._map = match_palette(seen, self._palette)

    def paint(self, frame: Planes) -> Planes:
        """The frame (3, h, w) in the style's colours."""
        own = to_image(frame)
        moved = torch.lerp(own, self._map.apply(own), self._strength).clamp(0, 1)
        return Planes(to_planes(Image(moved)).contiguous())
