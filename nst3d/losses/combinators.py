"""Weighted sums of losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import nn

from nst3d.errors import ConfigError
from nst3d.losses.base import Loss
from nst3d.losses.observation import Observation


@final
class WeightedSum(Loss):
    """A weighted sum of losses. Terms with weight 0 are not computed."""

    def __init__(self, terms: Mapping[str, tuple[float, Loss]]) -> None:
        """`terms` maps progress-bar names to (weight, loss). Raises ConfigError if all weights are 0."""
        super().__init__()
        active = {name: (weight, loss) for name, (weight, loss) in terms.items() if weight != 0}
        if not active:
            raise ConfigError("every loss has a weight of 0: nothing to optimise")
        self.terms = nn.ModuleDict({name: loss for name, (_, loss) in active.items()})
        self.weights = {name: float(weight) for name, (weight, _) in active.items()}
        self.layers = tuple(dict.fromkeys(layer for _, loss in active.values() for layer in loss.layers))

    def forward(self, observation: Observation) -> torch.Tensor:
        """The weighted sum, a scalar."""
        return self.parts(observation)[0]

    def parts(self, observation: Observation) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The weighted sum, and each weighted term, detached, by name."""
        shares = {name: self.weights[name] * loss(observation) for name, loss in self.terms.items()}
        total = torch.stack(list(shares.values())).sum()
        return total, {name: share.detach() for name, share in shares.items()}
