"""Style loss on correlations between feature channels: Gatys, Ecker & Bethge 2016."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch

from nst3d.losses.base import Loss, Normalise, check_normalise, layer_weights, precise
from nst3d.losses.observation import Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import covered_rows
from nst3d.tensors import Features, Mask

_CHUNK = 2048


def gram_matrix(features: Features, mask: Mask | None = None) -> torch.Tensor:
    """The Gram matrix (c, c): the unnormalised sum of F_p F_pᵀ over covered positions p.

    `features` (c, h, w); `mask` (h, w). The result is float32 or, for float64 features, float64; products of
    half-precision features are in that precision and summed in float32.
    """
    return _gram_of_rows(covered_rows(features, mask))


def mean_gram(features: Features, mask: Mask | None = None) -> torch.Tensor:
    """The Gram matrix (c, c) divided by the number of covered positions, as used by `GramLoss`.

    The sizes of view and style may thus differ. It is 0 if nothing is covered.
    """
    rows = covered_rows(features, mask)
    return _gram_of_rows(rows) / max(len(rows), 1)


def gram_loss(gram: torch.Tensor, target: torch.Tensor, normalise: Normalise = "gatys") -> torch.Tensor:
    """The squared distance between two mean Gram matrices (c, c).

    "gatys": Σ (G - A)² / (4 N² M²) in the paper's unnormalised matrices (eq. 4), which equals
    Σ (G/M - A/M)² / (4 N²) for N channels and M positions. Deviates from the paper: M is each image's own
    number of covered positions. "relative": Σ (G - A)² / Σ A². "mean": Σ (G/M - A/M)² / N².
    """
    distance = (gram - target).square().sum()
    if normalise == "gatys":
        return distance / (4 * gram.shape[0] ** 2)
    if normalise == "mean":
        return distance / gram.numel()
    return distance / target.square().sum().clamp_min(torch.finfo(target.dtype).tiny)


@final
class GramLoss(Loss):
    """The Gram distance to a style, summed over layers; 0 for a view in which nothing is covered."""

    unordered = True

    def __init__(
        self,
        targets: Mapping[str, torch.Tensor],
        weights: Mapping[str, float] | None = None,
        normalise: Normalise = "relative",
    ) -> None:
        """Bind `targets`, layer to mean Gram matrix (see `mean_gram`), and layer `weights` (default 1)."""
        super().__init__()
        check_normalise(normalise)
        self.layers = tuple(targets)
        self.targets = {layer: target.detach() for layer, target in targets.items()}
        self.weights = layer_weights(targets, weights)
        self.normalise: Normalise = normalise

    def forward(self, observation: Observation) -> torch.Tensor:
        """The weighted sum over layers, a scalar."""
        return torch.stack([self._layer(layer, observation) for layer in self.layers]).sum()

    def _layer(self, layer: str, observation: Observation) -> torch.Tensor:
        rows = observation.rows(layer)
        if len(rows) == 0:
            return precise(rows).sum()
        loss = gram_loss(_gram_of_rows(rows) / len(rows), self.targets[layer], self.normalise)
        return self.weights[layer] * loss


def _gram_of_rows(rows: torch.Tensor) -> torch.Tensor:
    gram: torch.Tensor = _Gram.apply(rows)
    return gram


class _Gram(torch.autograd.Function):
    """Rᵀ R, with R (g + gᵀ) as its backward: both products in the features' precision, which is fast."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(rows)
        if precise(rows) is rows:
            return rows.T @ rows
        # A product is rounded to its factors' precision: summing products of short blocks loses far less.
        total = rows.new_zeros(rows.shape[1], rows.shape[1], dtype=torch.float32)
        for chunk in rows.split(_CHUNK):
            total += chunk.T @ chunk
        return total

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        (rows,) = ctx.saved_tensors
        return rows @ (grads[0] + grads[0].T).to(rows.dtype)


def _make(inputs: LossInputs) -> Loss:
    style = inputs.styles(inputs.layers)
    return GramLoss({layer: mean_gram(style[layer]) for layer in inputs.layers}, normalise=inputs.normalise)


register_loss("gram", _make, ("relu1_1", "relu2_1", "relu3_1", "relu4_1"))
