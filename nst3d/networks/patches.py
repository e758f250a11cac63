"""Swaps patches of features for the most similar ones of a style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst3d.networks.transport import Statistics, whitening
from nst3d.tensors import Features, Mask

_SIDE = 3
"""Side of patches, in positions."""
_DIRECTIONS = 128
"""Numbers of a patch that are compared."""
_MOST = 1024
"""Positions compared at a time: larger tables cost the system more than the comparison."""


@dataclass(frozen=True)
class StylePatches:
    """All patches of a style's features."""

    keys: torch.Tensor
    """(n, k): whitened, normalised and turned, to compare with."""
    values: torch.Tensor
    """(n, 9 c): as they are, to paste."""
    mean: torch.Tensor
    """(c,)."""
    whiten: torch.Tensor
    """(c, c)."""
    turn: torch.Tensor
    """(9 c, k): the directions in which keys differ most."""


def style_patches(pictures: Sequence[Features], statistics: Statistics) -> StylePatches:
    """The patches of a style's features, (c, h, w) each, compared after whitening by `statistics`."""
    mean, whiten = statistics.mean.to(pictures[0]), whitening(statistics).to(pictures[0])
    keys = torch.cat([F.normalize(_patches(_whitened(f, mean, whiten)), dim=1) for f in pictures])
    rows = keys.double()  # float32 solvers fail where few patches leave many eigenvalues zero
    turn = torch.linalg.eigh(rows.T @ rows).eigenvectors[:, -_DIRECTIONS:].to(keys)
    return StylePatches(keys @ turn, torch.cat([_patches(f) for f in pictures]), mean, whiten, turn)


def swapped(features: Features, style: StylePatches, amount: float, coverage: Mask | None = None) -> Features:
    """The features (c, h, w) with a share `amount`, 0 to 1, of the most similar patches in place of their own.

    Similarity is the cosine of whitened patches; where patches overlap, they are averaged (Chen & Schmidt 2016, "Fast
    patch-based style transfer of arbitrary style"; whitened as in Sheng et al. 2018, Avatar-Net). Positions without
    `coverage`, a mask (H, W) of any size, are not compared, and get the style's first patch.
    """
    height, width = features.shape[1:]
    edge = _SIDE // 2
    padded = F.pad(features[None], (edge,) * 4, mode="reflect")[0]
    own = _patches(_whitened(Features(padded), style.mean, style.whiten)) @ style.turn
    rows = _covered(coverage, height, width)
    best = torch.zeros(height * width, dtype=torch.long, device=features.device)
    for part in rows.split(_MOST):
        best[part] = (own[part] @ style.keys.T).max(1).indices  # argmax is slow in bfloat16
    size = (height + 2 * edge, width + 2 * edge)
    total = F.fold(style.values[best].T[None], size, _SIDE)
    count = F.fold(own.new_ones(1, _SIDE**2, height * width), size, _SIDE)
    pasted = (total / count)[0, :, edge : edge + height, edge : edge + width]
    return Features(torch.lerp(features, pasted, amount))


def _patches(features: torch.Tensor) -> torch.Tensor:
    """(n, 9 c): the patches around all positions but those at the border."""
    return F.unfold(features[None], _SIDE)[0].T


def _whitened(features: Features, mean: torch.Tensor, whiten: torch.Tensor) -> torch.Tensor:
    return (whiten @ (features.flatten(1) - mean[:, None])).reshape(features.shape)


def _covered(coverage: Mask | None, height: int, width: int) -> torch.Tensor:
    """The numbers of the positions that anything covers."""
    if coverage is None:
        return torch.arange(height * width)
    small = F.adaptive_max_pool2d(coverage[None, None].float(), (height, width))
    return (small.flatten() > 0).nonzero()[:, 0]
