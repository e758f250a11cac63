"""What a frame takes over from the frames before it, near and far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nst3d.flow.warp import warped
from nst3d.tensors import Mask, Planes


@dataclass(frozen=True, eq=False)
class Carried:
    """A picture put together from others along the motion."""

    picture: Planes
    """(c, h, w); 0 where nothing is trusted."""
    trust: Mask
    """(h, w) in [0, 1]."""


def long_term_weights(trusts: Sequence[Mask]) -> list[Mask]:
    """The weights (h, w) of frames from near to far, of which each counts where the nearer ones are not trusted.

    `trusts` (h, w) in [0, 1] each. Long-term consistency of Ruder et al. 2016: max(c_j - Σ c_k over nearer k, 0).
    """
    weights: list[Mask] = []
    nearer = torch.zeros_like(trusts[0])
    for trust in trusts:
        weights.append((trust - nearer).clamp_min(0))
        nearer = nearer + trust
    return weights


def carried(pictures: Sequence[Planes], flows: Sequence[torch.Tensor], trusts: Sequence[Mask]) -> Carried:
    """The pictures (c, h, w) of earlier frames, from near to far, seen along flows (h, w, 2) that lead to them.

    A weighted sum of squared distances to all of them differs from that to the result only by a constant.
    """
    weights = long_term_weights(trusts)
    # Bicubic: repeated bilinear sampling would blur a picture more with every frame.
    moved = [warped(p, f, "bicubic").clamp(0, 1) * w for p, f, w in zip(pictures, flows, weights)]
    trust = torch.stack(weights).sum(0)
    picture = torch.stack(moved).sum(0) / trust.clamp_min(torch.finfo(trust.dtype).tiny)
    return Carried(Planes(picture), trust.clamp(0, 1))
