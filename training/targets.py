"""VGG-19's features of all patches, reduced to the widths of the small encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from nst3d.features.vgg import VGG
from nst3d.features.weights import load_encoder
from nst3d.networks.any_pair import LEVELS
from nst3d.networks.universal import WIDTHS
from nst3d.tensors import Planes

EDGE = 16
"""Pixels at the border of a patch of which nothing is learnt: VGG-19 sees zeros beyond it."""


@dataclass(frozen=True)
class Projection:
    """Features onto their principal components: an orthogonal map keeps Gram matrices and transport as they are."""

    mean: torch.Tensor
    """(channels,)."""
    axes: torch.Tensor
    """(width, channels): orthogonal rows by falling variance, in units in which the features' mean variance is 1."""

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """(channels, h, w) to (width, h, w)."""
        rows = features.float().flatten(1) - self.mean[:, None]
        return (self.axes @ rows).reshape(-1, *features.shape[1:])


def fit_projections(patches: torch.Tensor) -> dict[int, Projection]:
    """The projection of each level, from all inner positions of patches (n, 3, side, side), uint8."""
    encoder, count = load_encoder("vgg19"), dict.fromkeys(LEVELS, 0)
    total: dict[int, torch.Tensor] = {}
    square: dict[int, torch.Tensor] = {}
    for patch in patches:
        for level, features in _features(encoder, patch).items():
            edge = EDGE >> (level - 1)
            rows = features[:, edge:-edge, edge:-edge].float().flatten(1)
            count[level] += rows.shape[1]
            total[level] = total.get(level, 0) + rows.sum(1).double()
            square[level] = square.get(level, 0) + (rows @ rows.T).double()
    return {n: _projection(total[n] / count[n], square[n] / count[n], WIDTHS[n]) for n in LEVELS}


def project(patches: torch.Tensor, projections: Mapping[int, Projection]) -> dict[int, torch.Tensor]:
    """The projected features (n, width, h, w), bfloat16, of patches (n, 3, side, side), uint8, by level."""
    encoder = load_encoder("vgg19")
    found: dict[int, list[torch.Tensor]] = {n: [] for n in LEVELS}
    for patch in patches:
        for level, features in _features(encoder, patch).items():
            found[level].append(projections[level](features).to(torch.bfloat16))
    return {level: torch.stack(parts) for level, parts in found.items()}


@torch.no_grad()
def _features(encoder: VGG, patch: torch.Tensor) -> dict[int, torch.Tensor]:
    found = encoder(Planes(patch.float() / 255), [f"relu{n}_1" for n in LEVELS])
    return {n: found[f"relu{n}_1"] for n in LEVELS}


def _projection(mean: torch.Tensor, second: torch.Tensor, width: int) -> Projection:
    values, vectors = torch.linalg.eigh(second - mean[:, None] * mean)
    axes = vectors.flip(1)[:, :width].T * (width / values.sum()) ** 0.5
    return Projection(mean.float(), axes.float())
