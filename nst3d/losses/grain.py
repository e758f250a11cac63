"""Grain: fine speckle of colour alone, which an encoder of features hardly sees."""

from __future__ import annotations

from collections.abc import Sequence
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
    return _grain(second_differences(planes), mask)


def second_differences(planes: Planes) -> tuple[torch.Tensor, torch.Tensor]:
    """Those of colour in (c, h, w), along rows (c, h, w - 2) and along columns (c, h - 2, w); at least float32."""
    colour = precise(planes)
    colour = colour - colour.mean(0)
    return (
        colour[:, :, :-2] - 2 * colour[:, :, 1:-1] + colour[:, :, 2:],
        colour[:, :-2] - 2 * colour[:, 1:-1] + colour[:, 2:],
    )


def _grain(differences: Sequence[torch.Tensor], mask: Mask | None) -> torch.Tensor:
    total = triples = differences[0].new_zeros(())
    covered = None if mask is None else mask > 0.5
    for axis, difference in zip((1, 0), differences):
        if covered is not None and difference.numel():
            inside = covered.unfold(axis, 3, 1).all(-1)
            difference = torch.where(inside, difference, 0)
            triples = triples + inside.sum()
        else:
            triples = triples + difference[0].numel()
        total = total + difference.square().sum()
    return total / (triples * len(differences[0])).clamp_min(1)


@final
class GrainLoss(Loss):
    """The grain of colour in the view's image, within its coverage."""

    def __init__(self) -> None:
        """There is no target: the least grain is none."""
        super().__init__()
        self.layers = (IMAGE,)

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar."""
        image = Planes(observation.features[IMAGE])
        return _grain(observation.once("grain", lambda: second_differences(image)), observation.mask(IMAGE))


register_loss("grain", lambda inputs: GrainLoss(), aim="views")
