"""The pictures that a network is trained on, and frames of a video with the ones before them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nst3d.tensors import Mask, Planes


@dataclass(frozen=True, eq=False)
class Before:
    """The frame of a video before another, and how the other's content moved from there."""

    colour: Planes
    """(3, h, w) in [0, 1]."""
    back: torch.Tensor
    """(h, w, 2): flow from the other frame to this one, right and down in pixels."""
    trust: Mask
    """(h, w) in [0, 1]: where in the other frame the flow can be followed."""


@dataclass(frozen=True)
class Shot:
    """A picture to train on: a rendered view, a frame or a photograph."""

    colour: Planes
    """(3, h, w) in [0, 1], over black."""
    coverage: Mask
    """(h, w) in [0, 1]: where it shows the scene; 1 throughout a photograph."""
    before: Before | None = None
    """The frame before it, if pairs of frames are trained on."""

    def over(self, background: torch.Tensor) -> Planes:
        """The picture over a background colour (3,)."""
        return Planes(self.colour + (1 - self.coverage) * background.to(self.colour)[:, None, None])
