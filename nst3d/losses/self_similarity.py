"""Self-similarity loss: the content loss of Kolkin, Salavon & Shakhnarovich 2019, "Style transfer by relaxed optimal
transport and self-similarity" (STROTSS)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
import torch.nn.functional as F

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, precise
from nst3d.losses.content import check_shape
from nst3d.losses.observation import Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import rows_at, sampled_positions
from nst3d.tensors import Features

_ALIKE = 1e-5
"""A mean distance that counts as none."""


def self_distances(rows: torch.Tensor) -> torch.Tensor:
    """The cosine distances (n, n) between feature vectors (n, c), each column divided by its sum.

    At least float32. Distances among vectors that are all alike, which are but rounding, stay near zero.
    """
    units = F.normalize(precise(rows), dim=1)
    distances = (1 - _Products.apply(units, rows.dtype)).clamp_min(0)
    return distances / distances.sum(0, keepdim=True).clamp_min(_ALIKE * len(rows))


class _Products(torch.autograd.Function):
    """U Uᵀ for vectors U; its gradient is one product, not two, in the precision `dtype` of the features."""

    @staticmethod
    def forward(ctx: Any, units: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        ctx.save_for_backward(units)
        ctx.dtype = dtype
        return units @ units.T

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (units,) = ctx.saved_tensors
        slope = (grads[0] + grads[0].T).to(ctx.dtype) @ units.to(ctx.dtype)
        return slope.to(units), None


def self_similarity_loss(rows: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean over columns of Σ |D - Dₜ| for the `self_distances` D of two sets of vectors (n, c): from 0 to 2.

    Eq. 7, multiplied by n, as a column's entries are around 1 / n. Returns a scalar, at least float32.
    """
    return (self_distances(rows) - self_distances(target.detach())).abs().sum() / max(len(rows), 1)


@final
class SelfSimilarityLoss(Loss):
    """How much the pattern of likeness between places differs from the content's, summed over layers.

    What was alike stays alike, whatever it now looks like: neither lengths of features nor a rotation common to all
    counts, so that colours and strokes are free.
    """

    def __init__(
        self,
        targets: Mapping[int, Mapping[str, Features]],
        layers: tuple[str, ...],
        positions: int = 512,
    ) -> None:
        """Bind `targets`, view to layer to features (c, h, w). At most that many `positions` are drawn each step."""
        super().__init__()
        if positions < 2:
            raise ConfigError(f"positions is {positions}: expected a number of 2 or more")
        self.layers = layers
        self.targets, self.positions = targets, positions

    def forward(self, observation: Observation) -> torch.Tensor:
        """The sum over layers, a scalar. Raises ConfigError without a target of the view's shape."""
        losses = []
        for layer in self.layers:
            features, target = observation.features[layer], self.targets[observation.view][layer]
            check_shape(observation.view, layer, features, target)
            drawn = sampled_positions(
                features, observation.mask(layer), self.positions, observation.generator()
            )
            losses.append(self_similarity_loss(rows_at(features, drawn), rows_at(target, drawn)))
        return torch.stack(losses).sum()


def _make(inputs: LossInputs) -> Loss:
    return SelfSimilarityLoss(inputs.contents(inputs.layers), inputs.layers, inputs.options["positions"])


register_loss(
    "self_similarity",
    _make,
    ("relu3_1", "relu4_1"),
    {"positions": 512},
    "content",
    {"positions": Within(2, 8192)},
)
