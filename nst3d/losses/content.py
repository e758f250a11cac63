"""Content loss on features: Gatys, Ecker & Bethge 2016."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, Normalise, check_normalise, layer_weights, precise
from nst3d.losses.observation import Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import covered_rows
from nst3d.tensors import Features, Mask


def content_loss(
    features: Features, target: Features, mask: Mask | None = None, normalise: Normalise = "gatys"
) -> torch.Tensor:
    """The squared distance between features and target, both (c, h, w), over covered positions.

    "gatys": ½ Σ (F - P)² (eq. 1). "relative": Σ (F - P)² / Σ P². "mean": the mean of (F - P)². Returns a
    scalar; 0 if nothing is covered.
    """
    return _of_rows(covered_rows(features, mask), covered_rows(target.detach(), mask), normalise)


def _of_rows(rows: torch.Tensor, wanted: torch.Tensor, normalise: Normalise) -> torch.Tensor:
    distance: torch.Tensor = _SquaredDistance.apply(rows, wanted)
    if normalise == "gatys":
        return distance / 2
    if normalise == "mean":
        return distance / max(wanted.numel(), 1)
    return distance / precise(wanted).square().sum().clamp_min(torch.finfo(distance.dtype).tiny)


class _SquaredDistance(torch.autograd.Function):
    """Σ (F - P)², with differences in the features' precision and their sum in at least float32."""

    @staticmethod
    def forward(ctx: Any, features: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        difference = features - target
        ctx.save_for_backward(difference)
        ctx.dtype = features.dtype
        return difference.square().sum(dtype=precise(difference[:0]).dtype)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (difference,) = ctx.saved_tensors
        return (difference * (2 * grads[0])).to(ctx.dtype), None


def check_shape(view: int, layer: str, features: Features, target: Features) -> None:
    """Raise ConfigError unless a view's features at a layer have the shape of its content's."""
    if features.shape != target.shape:
        raise ConfigError(
            f"content of view {view} at {layer} has the shape {tuple(target.shape)},"
            f" the view {tuple(features.shape)}: render both at one size"
        )


@final
class ContentLoss(Loss):
    """The distance to each view's initial features, summed over layers."""

    def __init__(
        self,
        targets: Mapping[int, Mapping[str, Features]],
        layers: tuple[str, ...],
        weights: Mapping[str, float] | None = None,
        normalise: Normalise = "relative",
    ) -> None:
        """Bind `targets`: view to layer to features (c, h, w). The mapping may compute them lazily."""
        super().__init__()
        check_normalise(normalise)
        self.layers = layers
        self.targets = targets
        self.weights = layer_weights(dict.fromkeys(layers), weights)
        self.normalise: Normalise = normalise

    def forward(self, observation: Observation) -> torch.Tensor:
        """The weighted sum over layers, a scalar. Raises ConfigError without a target of the view's shape."""
        losses = []
        for layer in self.layers:
            features = observation.features[layer]
            target = self.targets[observation.view][layer]
            check_shape(observation.view, layer, features, target)
            wanted = covered_rows(target.detach(), observation.mask(layer))
            loss = _of_rows(observation.rows(layer), wanted, self.normalise)
            losses.append(self.weights[layer] * loss)
        return torch.stack(losses).sum()


def _make(inputs: LossInputs) -> Loss:
    weights = None
    if inputs.normalise == "mean":
        # Of all layers together, and as if the encoder took standardised images: so a weight means the same for
        # torchvision's weights and the original ones, whose features are some sixty times larger.
        weights = dict.fromkeys(inputs.layers, 1 / (len(inputs.layers) * inputs.encoder.unit**2))
    return ContentLoss(inputs.contents(inputs.layers), inputs.layers, weights, inputs.normalise)


register_loss("content", _make, ("relu3_1", "relu4_1"), {"forward_facing": None}, aim="content")
