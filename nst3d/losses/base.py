"""The base class of losses: a module that maps layers of an observation to a scalar."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import nn

from nst3d.errors import ConfigError
from nst3d.losses.observation import Observation

Normalise = Literal["gatys", "relative", "mean"]
"""gatys: as in the paper. relative: relative to the target's magnitude, which makes weights comparable
between layers. mean: the mean squared difference."""


class Loss(nn.Module, ABC):
    """A scalar to minimise. Its target is bound at construction, so that it needs only the view."""

    layers: tuple[str, ...]
    """Layers of an observation that it reads; may include the pseudo-layer `IMAGE`."""
    unordered: bool = False
    """Whether the order of positions does not matter, so that a part of a view may come as (c, 1, n)."""

    @abstractmethod
    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss of one view: a scalar, in float32 (float64 for float64 features)."""


def precise(values: torch.Tensor) -> torch.Tensor:
    """The values in float32, or unchanged if already at least that precise; used for sums."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def layer_weights(layers: Mapping[str, object], weights: Mapping[str, float] | None) -> dict[str, float]:
    """The weight of each layer with a target, default 1. Raises ConfigError if the names do not match."""
    if weights is None:
        return dict.fromkeys(layers, 1.0)
    if set(weights) != set(layers):
        wanted, given = ", ".join(sorted(layers)), ", ".join(sorted(weights))
        raise ConfigError(f"layer weights are given for {given}, but the targets are of {wanted}")
    return dict(weights)


def check_normalise(normalise: str) -> None:
    """Raise ConfigError for an unknown `normalise`."""
    if normalise not in get_args(Normalise):
        raise ConfigError(f"normalise is {normalise!r}: choose {', '.join(get_args(Normalise))}")
