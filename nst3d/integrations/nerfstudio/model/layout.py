"""The weights of a nerfacto by what they are for, however a checkpoint keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from nst3d.integrations.nerfstudio.model.hash_grid import Grid, hashed

State = Mapping[str, Tensor]

_TABLE = "field.mlp_base.model.0.hash_table"
_BASE = tuple(f"field.mlp_base.model.1.layers.{k}." for k in range(2))
_HEAD = tuple(f"field.mlp_head.layers.{k}." for k in range(3))


@dataclass(frozen=True)
class Layer:
    """A linear map of a network."""

    weight: Tensor
    """(out, in)."""
    bias: Tensor | None = None
    """(out,); None where the network has none."""

    def __call__(self, inputs: Tensor) -> Tensor:
        """The map of inputs (m, in): (m, out)."""
        return F.linear(inputs, self.weight, self.bias)

    def moved(self, offset: Tensor) -> Layer:
        """With an offset (out,) on top of its bias."""
        return Layer(self.weight, offset if self.bias is None else self.bias + offset)

    def to(self, device: torch.device | str) -> Layer:
        """On a device."""
        return Layer(self.weight.to(device), None if self.bias is None else self.bias.to(device))


@dataclass(frozen=True)
class Base:
    """What makes a place's density and its features for the colour head: a hash grid and two layers."""

    table: Tensor
    """(rows, F)."""
    first: Layer
    """From L·F features, level after level, to hidden units."""
    last: Layer
    """To 16: the logarithm of the density, then what the head takes."""

    def to(self, device: torch.device | str) -> Base:
        """On a device."""
        return Base(self.table.to(device), self.first.to(device), self.last.to(device))


class Layout(Protocol):
    """How a checkpoint keeps them."""

    @property
    def grid(self) -> Grid:
        """Where levels lie in the hash table."""

    def base(self, state: State) -> Base:
        """What a model's tensors say."""

    def head(self, state: State) -> tuple[Layer, ...]:
        """The colour head: from 16 harmonics of the direction, 15 features and the appearance to three colours.

        Its first layer always has a bias.
        """

    def with_base(self, state: State, base: Base) -> dict[str, Tensor]:
        """The state with another base, perhaps a wider one."""

    def with_head(self, state: State, head: Sequence[Layer]) -> dict[str, Tensor]:
        """The state with another head of the same widths."""


class TorchLayout:
    """nerfstudio's torch implementation: tensors under names of their own."""

    def __init__(self, field: Any) -> None:
        encoding = field.mlp_base.model[0]
        self._grid = hashed(encoding.scalings, encoding.hash_table_size)

    @property
    def grid(self) -> Grid:
        """All levels hashed."""
        return self._grid

    def base(self, state: State) -> Base:
        """See `Layout`."""
        first, last = (_layer(state, name) for name in _BASE)
        return Base(state[_TABLE], first, last)

    def head(self, state: State) -> tuple[Layer, ...]:
        """See `Layout`."""
        return tuple(_layer(state, name) for name in _HEAD)

    def with_base(self, state: State, base: Base) -> dict[str, Tensor]:
        """See `Layout`."""
        return {**state, _TABLE: base.table, **_named(_BASE, (base.first, base.last))}

    def with_head(self, state: State, head: Sequence[Layer]) -> dict[str, Tensor]:
        """See `Layout`."""
        return {**state, **_named(_HEAD, head)}


def widened(old: Base, new: Base) -> Base:
    """Two bases of the same widths side by side, with the density of the old one alone.

    The last layer of the new one has the rows of features alone, and no bias. What would join the new half
    to the density, or to the old half, is zero.
    """
    units, inputs = old.first.weight.shape
    features = old.table.shape[1]
    first = old.first.weight.new_zeros(2 * units, inputs // features, 2 * features)
    first[:units, :, :features] = old.first.weight.reshape(units, -1, features)
    first[units:, :, features:] = new.first.weight.reshape(units, -1, features)
    last = torch.cat([new.last.weight.new_zeros(1, units), new.last.weight])
    biases = [layer.bias for layer in (old.first, new.first) if layer.bias is not None]
    return Base(
        torch.cat([old.table, new.table], dim=1),
        Layer(first.flatten(1), torch.cat(biases) if biases else None),
        Layer(torch.cat([old.last.weight, last], dim=1), old.last.bias),
    )


def _layer(state: State, name: str) -> Layer:
    return Layer(state[name + "weight"], state[name + "bias"])


def _named(names: tuple[str, ...], layers: Sequence[Layer]) -> dict[str, Tensor]:
    found = {}
    for name, layer in zip(names, layers):
        assert layer.bias is not None
        found[name + "weight"], found[name + "bias"] = layer.weight, layer.bias
    return found
