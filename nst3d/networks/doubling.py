"""Doubles the size of features in a decoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F

_DETAIL = 0.07
"""Distance of features from the mean around them, relative to their length, that counts half as detail."""


def doubled(x: torch.Tensor, smooth: bool = True) -> torch.Tensor:
    """Features (1, c, h, w) at twice the size: detail by nearest-neighbour upsampling, and the rest bilinearly.

    The decoders learnt with nearest-neighbour upsampling, which turns a faint slope into stairs; moved to a style's
    strength, these show as a weave in flat skies. Unless `smooth`, all is upsampled as they learnt it.
    """
    if not smooth:
        return F.interpolate(x, scale_factor=2.0, mode="nearest")
    detail = x - F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    here = detail.square().sum(1, keepdim=True) / x.square().sum(1, keepdim=True).clamp_min(1e-12)
    share = (here / _DETAIL**2).square()
    detail = detail * (share / (1 + share))
    stairs = F.interpolate(detail, scale_factor=2.0, mode="nearest")
    return F.interpolate(x - detail, scale_factor=2.0, mode="bilinear") + stairs
