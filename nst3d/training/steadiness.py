"""How far painted frames of a video are from each other along its motion."""

from __future__ import annotations

import torch

from nst3d.flow.warp import warped
from nst3d.tensors import Mask, Planes


def unsteadiness(frame: Planes, before: Planes, back: torch.Tensor, trust: Mask) -> torch.Tensor:
    """The mean squared difference of a frame (c, h, w) from the one before along a trusted flow (h, w, 2).

    Huang et al. 2017, "Real-time neural style transfer for videos", equation 6, with a gradient to both frames, as one
    network paints both. Returns a scalar; 0 for an exactly warped pair, and where nothing is trusted.
    """
    difference = (frame - warped(before, back)).square().mean(0)
    return (difference * trust).sum() / trust.sum().clamp_min(1)
