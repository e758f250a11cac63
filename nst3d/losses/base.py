"""What every loss is: a module that reads layers of an observation and gives one number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import nn

from nst3d.errors import ConfigError
from nst3d.losses.observation import Observation

Normalise = Literal["gatys", "relative", "mean"]
"""gatys: as in the paper. relative: as a share of the target's own size, which makes weights alike between
layers. mean: the mean squared difference."""


class Loss(nn.Module, ABC):
    """A number to be made small. Its target is bound when it is made, so that it needs the view alone."""

    layers: tuple[str, ...]
    """What it reads of an observation; may hold the pseudo-layer `IMAGE`."""

    @abstractmethod
    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss of one view: a scalar, in float32 (float64 where the features are)."""


def precise(values: torch.Tensor) -> torch.Tensor:
    """The same values in float32, or as they are if already that precise: what sums are taken in."""
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def layer_weights(layers: Mapping[str, object], weights: Mapping[str, float] | None) -> dict[str, float]:
    """The weight of each layer that has a target, default 1. ConfigError if the names do not match."""
    if weights is None:
        return dict.fromkeys(layers, 1.0)
    if set(weights) != set(layers):
        wanted, given = ", ".join(sorted(layers)), ", ".join(sorted(weights))
        raise ConfigError(f"layer weights are given for {given}, but the targets are of {wanted}")
    return dict(weights)


def check_normalise(normalise: str) -> None:
    """Raise ConfigError unless `normalise` is a known one."""
    if normalise not in get_args(Normalise):
        raise ConfigError(f"normalise is {normalise!r}: choose {', '.join(get_args(Normalise))}")
