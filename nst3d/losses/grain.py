"""Grain: fine speckle of colour alone, which an encoder of features hardly sees."""

from __future__ import annotations

from typing import final

import torch

from nst3d.losses.base import Loss, precise
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.registry import register_loss
from nst3d.tensors import Mask, Planes


def colour_grain(planes: Planes, mask: Mask | None = None) -> torch.Tensor:
    """The mean square of the second differences of colour in (c, h, w), along rows and columns.

    Colour is the deviation from the channels' mean, so that light keeps its detail. Second differences weigh
    waves of three pixels 26 times as much as those of eight, so that strokes keep their edges. Only triples of
    pixels in `mask` (h, w) count. Returns a scalar, at least float32; 0 if there is no such triple.
    """
    planes = Planes(precise(planes))
    colour = planes - planes.mean(0)
    covered = torch.ones_like(planes[0], dtype=torch.bool) if mask is None else mask > 0.5
    total, triples = planes.new_zeros(()), planes.new_zeros(())
    for axis in (1, 2):
        if planes.shape[axis] < 3:
            continue
        before, here, after = colour.unfold(axis, 3, 1).unbind(-1)
        inside = covered.unfold(axis - 1, 3, 1).all(-1)
        total = total + torch.where(inside, before - 2 * here + after, 0).square().sum()
        triples = triples + inside.sum()
    return total / (triples * planes.shape[0]).clamp_min(1)


@final
class GrainLoss(Loss):
    """The grain of colour in the view's image, within its coverage."""

    def __init__(self) -> None:
        """There is no target: the least grain is none."""
        super().__init__()
        self.layers = (IMAGE,)

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar."""
        return colour_grain(Planes(observation.features[IMAGE]), observation.mask(IMAGE))


register_loss("grain", lambda inputs: GrainLoss())
