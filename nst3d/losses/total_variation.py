"""Smoothness: differences between neighbouring pixels."""

from __future__ import annotations

from typing import Literal, final

import torch

from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, precise
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.registry import register_loss
from nst3d.tensors import Image, Mask, Planes, to_planes

Difference = Literal["squared", "absolute"]


def total_variation(planes: Planes, mask: Mask | None = None, kind: Difference = "squared") -> torch.Tensor:
    """The mean difference, squared or absolute, of (c, h, w) to the neighbours right and below.

    Only pairs with both pixels covered by `mask` (h, w) count, so that silhouettes do not. Returns a scalar,
    at least float32; 0 if there is no such pair. After Rudin, Osher & Fatemi 1992, in its anisotropic form.
    """
    planes = Planes(precise(planes))
    total, pairs = planes.new_zeros(()), planes.new_zeros(())
    for axis in (1, 2):
        count = planes.shape[axis] - 1
        difference = planes.narrow(axis, 1, count) - planes.narrow(axis, 0, count)
        if mask is not None:
            covered = mask > 0.5
            both = covered.narrow(axis - 1, 1, count) & covered.narrow(axis - 1, 0, count)
            difference = torch.where(both, difference, 0)
            pairs = pairs + both.sum()
        else:
            pairs = pairs + difference[0].numel()
        total = total + (difference.square() if kind == "squared" else difference.abs()).sum()
    return total / (pairs * planes.shape[0]).clamp_min(1)


def texture_variation(texture: Image, mask: Mask | None = None, kind: Difference = "squared") -> torch.Tensor:
    """`total_variation` of a texture (h, w, c); `mask` (h, w) marks the texels in use."""
    return total_variation(to_planes(texture), mask, kind)


@final
class TotalVariationLoss(Loss):
    """The total variation of the view's image, within its coverage."""

    def __init__(self, kind: Difference = "squared") -> None:
        """Choose "squared" or "absolute" differences."""
        super().__init__()
        if kind not in ("squared", "absolute"):
            raise ConfigError(f"total variation of kind {kind!r} is not known: choose squared or absolute")
        self.layers = (IMAGE,)
        self.kind: Difference = kind

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar."""
        return total_variation(Planes(observation.features[IMAGE]), observation.mask(IMAGE), self.kind)


register_loss(
    "variation",
    lambda inputs: TotalVariationLoss(inputs.options["kind"]),
    (),
    {"kind": "squared"},
    aim="views",
)
