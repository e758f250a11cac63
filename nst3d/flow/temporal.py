"""How far a frame is from the one before, carried along the motion."""

from __future__ import annotations

import torch

from nst3d.flow.warp import warped
from nst3d.tensors import Mask, Planes


def temporal_loss(frame: Planes, before: Planes, back: torch.Tensor, mask: Mask) -> torch.Tensor:
    """The mean squared difference of a frame (c, h, w) from the one before along `back`, where `mask` trusts it.

    `back` (h, w, 2) leads from the frame to the one before, which gets no gradient. Ruder et al. 2016, equation 7.
    Returns a scalar; 0 for an exactly warped pair, and where nothing is trusted.
    """
    difference = (frame - warped(Planes(before.detach()), back)).square().mean(0)
    return (difference * mask).sum() / mask.sum().clamp_min(1)
