"""What the encoder and decoders are trained to do."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.networks.patches import style_patches, swapped
from nst3d.networks.transport import monge_map, pooled_statistics
from nst3d.tensors import Features

_FLOORS = {1: 1e-3, 2: 1e-3, 3: 3e-3, 4: 1e-2}
"""Floors of the map between two patches: a coarse level has few positions for its covariance."""
_MOST = 4.0


def distance(
    features: torch.Tensor, wanted: torch.Tensor, spread: torch.Tensor, edge: int = 0
) -> torch.Tensor:
    """Mean square difference of features (n, c, h, w), each component in units of `spread` (c,), without borders."""
    inner = (..., slice(edge, features.shape[2] - edge), slice(edge, features.shape[3] - edge))
    return ((features[inner].float() - wanted[inner].float()).square().mean((0, 2, 3)) / spread).mean()


def spread_of(features: torch.Tensor) -> torch.Tensor:
    """Units (c,) between a component's own variance and the mean of all, so that faint components count, too."""
    variance = features.float().var((0, 2, 3)).clamp_min(1e-4)
    return variance.sqrt() * variance.mean().sqrt()


@torch.no_grad()
def moved(features: torch.Tensor, others: torch.Tensor, level: int, strokes: float) -> torch.Tensor:
    """Features (n, c, h, w), each moved to the statistics of the other of its number, with a share of its patches."""
    out = []
    for own, other in zip(features.float(), others.float()):
        there = pooled_statistics([(Features(other), None)])
        move = monge_map(pooled_statistics([(Features(own), None)]), there, _FLOORS[level])
        result = move(Features(own))
        if strokes > 0:
            result = swapped(result, style_patches([Features(other)], there), strokes)
        out.append(result)
    return torch.stack(out)


def gram_gap(features: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> torch.Tensor:
    """Relative square distance of the Gram matrices of features (n, c, h, w), mean over levels; at most 4 each."""
    return torch.stack([_gap(a, b) for a, b in zip(features, wanted)]).mean()


def _gap(features: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    ours, theirs = _gram(features), _gram(wanted.detach())
    gap = (ours - theirs).square().sum((1, 2)) / theirs.square().sum((1, 2)).clamp_min(1e-3)
    return gap.clamp_max(_MOST).mean()


def _gram(features: torch.Tensor) -> torch.Tensor:
    rows = features.float().flatten(2)
    return rows @ rows.transpose(1, 2) / rows.shape[2]
