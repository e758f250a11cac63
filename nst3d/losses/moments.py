"""Style loss on the mean and standard deviation of each feature channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, final

import torch

from nst3d.losses.base import Loss, Normalise, check_normalise, layer_weights, precise
from nst3d.losses.observation import Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import covered_rows
from nst3d.tensors import Features, Mask

_CHUNK = 2048
_VARIANCE_FLOOR = 1e-8  # keeps the square root's gradient finite for constant channels


class Moments(NamedTuple):
    """Statistics of a layer's channels."""

    mean: torch.Tensor
    """(c,) means."""
    std: torch.Tensor
    """(c,) standard deviations."""


def moments(features: Features, mask: Mask | None = None) -> Moments:
    """Mean and standard deviation of each channel of (c, h, w) over covered positions, at least float32."""
    mean, variance = _MeanVariance.apply(covered_rows(features, mask))
    return Moments(mean, (variance + _VARIANCE_FLOOR).sqrt())


class _MeanVariance(torch.autograd.Function):
    """Means and variances (c,) of rows (n, c), in at least float32; works on blocks, whose copies stay in the cache."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        count = max(len(rows), 1)
        mean = rows.sum(0, dtype=precise(rows[:0]).dtype) / count
        variance = torch.zeros_like(mean)
        for part in rows.split(_CHUNK):
            variance += (precise(part) - mean).square_().sum(0)
        ctx.save_for_backward(rows, mean)
        return mean, variance / count

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        rows, mean = ctx.saved_tensors
        slope, count = torch.empty_like(rows), max(len(rows), 1)
        along, level = 2 * grads[1] / count, grads[0] / count
        for part, own in zip(rows.split(_CHUNK), slope.split(_CHUNK)):
            own.copy_((precise(part) - mean).mul_(along).add_(level))
        return slope


def moments_loss(found: Moments, target: Moments, normalise: Normalise = "gatys") -> torch.Tensor:
    """The squared distance between two layers' moments.

    "gatys" and "mean" are both Σ ((μ - μₛ)² + (σ - σₛ)²) / c over c channels (Li et al. 2017, "Demystifying
    neural style transfer"; Huang & Belongie 2017 use the root of each sum instead). "relative" divides by
    Σ (μₛ² + σₛ²) instead of c.
    """
    distance = sum(((a - b).square().sum() for a, b in zip(found, target)), found.mean.new_zeros(()))
    if normalise != "relative":
        return distance / len(target.mean)
    size = target.mean.square().sum() + target.std.square().sum()
    return distance / size.clamp_min(torch.finfo(size.dtype).tiny)


@final
class MomentsLoss(Loss):
    """The distance between the channel statistics of a view and a style, summed over layers."""

    unordered = True

    def __init__(
        self,
        targets: Mapping[str, Moments],
        weights: Mapping[str, float] | None = None,
        normalise: Normalise = "relative",
    ) -> None:
        """Bind `targets`, layer to moments, and layer `weights` (default 1 each)."""
        super().__init__()
        check_normalise(normalise)
        self.layers = tuple(targets)
        self.targets = {layer: Moments(*(t.detach() for t in target)) for layer, target in targets.items()}
        self.weights = layer_weights(targets, weights)
        self.normalise: Normalise = normalise

    def forward(self, observation: Observation) -> torch.Tensor:
        """The weighted sum over layers, a scalar; layers in which nothing is covered count 0."""
        losses = []
        for layer in self.layers:
            features, mask = observation.features[layer], observation.mask(layer)
            if mask is not None and not (mask > 0.5).any():
                losses.append(precise(features[:, :0]).sum())
                continue
            loss = moments_loss(moments(features, mask), self.targets[layer], self.normalise)
            losses.append(self.weights[layer] * loss)
        return torch.stack(losses).sum()


def _make(inputs: LossInputs) -> Loss:
    style = inputs.styles(inputs.layers)
    return MomentsLoss({layer: moments(style[layer]) for layer in inputs.layers}, normalise=inputs.normalise)


register_loss("moments", _make, ("relu1_1", "relu2_1", "relu3_1", "relu4_1"))
