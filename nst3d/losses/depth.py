"""Depth edges: where the scene steps back, a painting shows at least the content's contrast.

Liu, Cheng, Lai & Rosin 2017, "Depth-aware neural style transfer", compare estimates of a network's depth. Here depth is
known, so that it says exactly which edges count, and the loss is about luminance alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final

import torch

from nst3d.errors import ConfigError
from nst3d.images.colour import LUMA
from nst3d.losses.base import Loss, precise
from nst3d.losses.content import check_shape
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.tensors import Features, Mask, Planes

_REACH = 3
"""Pixels on either side of an edge whose mean luminances are compared: more than antialiasing blurs."""
_FLAT = (4 / 255) ** 2
"""The power of a step of luminance below which it counts as noise."""


def depth_jumps(depth: torch.Tensor, least: float) -> torch.Tensor:
    """How much of an edge is between each pixel and the next in its row, (h, w - 1), in [0, 1]; `depth` is (h, w).

    Inverse depth is linear along the image of a plane. It is continued from either side to the border of both pixels,
    with the smaller of its slopes there, and the gap is taken relative to the nearer side: `least` counts as no edge,
    twice that as a whole one. So neither slanted planes nor creases count. Infinity has an inverse depth of 0.
    """
    inverse = 1 / precise(depth)
    steps = inverse.diff(dim=1)
    before, after = torch.cat([steps[:, :1], steps], 1), torch.cat([steps, steps[:, -1:]], 1)
    slope = torch.where(before.abs() < after.abs(), before, after)
    gap = (steps - (slope[:, 1:] + slope[:, :-1]) / 2).abs()
    nearer = torch.maximum(inverse[:, 1:], inverse[:, :-1]).clamp_min(torch.finfo(inverse.dtype).tiny)
    return ((gap / nearer - least) / least).clamp(0, 1)


def luminance_steps(planes: Planes) -> torch.Tensor:
    """The step of luminance between each pixel and the next in its row, (h, w - 5), of an image (3, h, w).

    It is the difference of the means of three pixels on either side; those nearer to the border have none.
    """
    weights = precise(planes).new_tensor(LUMA)
    luminance = torch.einsum("c,chw->hw", weights, precise(planes))
    means = luminance.unfold(1, _REACH, 1).mean(-1)
    return means[:, _REACH:] - means[:, :-_REACH]


def _weights(depth: torch.Tensor, mask: Mask | None, least: float) -> torch.Tensor:
    """The weight of each of `luminance_steps`: none that reads a pixel outside of the mask (h, w)."""
    weights = depth_jumps(depth, least)[:, _REACH - 1 : depth.shape[1] - _REACH]
    if mask is None:
        return weights
    return weights * (mask > 0.5).unfold(1, 2 * _REACH, 1).all(-1)


def depth_loss(
    planes: Planes, target: Planes, depth: torch.Tensor, mask: Mask | None = None, least: float = 0.01
) -> torch.Tensor:
    """How far steps of luminance across the edges of `depth` (h, w) fall short of the target's, both (3, h, w).

    Σ w max(0, |t| - sign(t) s)² / Σ w (t² + (4/255)²) for steps s of the image and t of the target along rows and
    columns, with the weights w of `depth_jumps`. A stronger step in the target's direction costs nothing, none about 1.
    Returns a scalar, at least float32; 0 without an edge between covered pixels.
    """
    short = total = precise(planes[:, :0]).sum()
    for turned in (False, True):
        far, inside = (depth.mT, None if mask is None else mask.mT) if turned else (depth, mask)
        if far.shape[1] < 2 * _REACH:
            continue
        ours, theirs = (Planes(x.mT) if turned else x for x in (planes, Planes(target.detach())))
        weights = _weights(far, inside, least)
        counts = weights > 0
        step, wanted = luminance_steps(ours)[counts], luminance_steps(theirs)[counts]
        weights = weights[counts].to(step)
        short = short + (weights * (wanted.abs() - wanted.sign() * step).clamp_min(0).square()).sum()
        total = total + (weights * (wanted.square() + _FLAT)).sum()
    return short / total.detach().clamp_min(_FLAT)


@final
class DepthLoss(Loss):
    """How far a view's contrast at the edges of its depth falls short of its content's."""

    def __init__(
        self,
        targets: Mapping[int, Mapping[str, Features]],
        depth: Callable[[int], torch.Tensor],
        least: float = 0.01,
    ) -> None:
        """Bind `targets`, view to the content's image under `IMAGE`, and `depth`, view to (h, w), inf: nothing there.

        ConfigError unless `least`, the smallest gap between depths that counts, is between 0 and 0.5.
        """
        super().__init__()
        if not 0 < least <= 0.5:
            raise ConfigError(f"least is {least:g}: expected a share of the depth above 0, at most 0.5")
        self.targets, self.depth, self.least = targets, depth, least
        self.layers = (IMAGE,)

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar. Raises ConfigError without a target of the view's shape."""
        image, target = observation.features[IMAGE], self.targets[observation.view][IMAGE]
        check_shape(observation.view, IMAGE, image, target)
        depth = self.depth(observation.view).to(image.device)
        return depth_loss(Planes(image), Planes(target), depth, observation.mask(IMAGE), self.least)


def _make(inputs: LossInputs) -> Loss:
    if inputs.depth is None:
        raise ConfigError(f"term {inputs.name}: the views of this scene have no depth: leave the term out")
    try:
        return DepthLoss(inputs.contents((IMAGE,)), inputs.depth, inputs.options["least"])
    except ConfigError as error:
        raise ConfigError(f"term {inputs.name}: {error}") from None


register_loss("depth", _make, (), {"least": 0.01})
