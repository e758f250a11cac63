"""The weights of a nerfacto by purpose, independent of the checkpoint's format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from nst3d.integrations.nerfstudio.model.hash_grid import HashLevels, hashed

State = Mapping[str, Tensor]

_TABLE = "field.mlp_base.model.0.hash_table"
_BASE = tuple(f"field.mlp_base.model.1.layers.{k}." for k in range(2))
_HEAD = tuple(f"field.mlp_head.layers.{k}." for k in range(3))


@dataclass(frozen=True)
class Layer:
    """A linear layer of a network."""

    weight: Tensor
    """(out, in)."""
    bias: Tensor | None = None
    """(out,); None: no bias."""

    def __call__(self, inputs: Tensor) -> Tensor:
        """Map inputs (m, in) to (m, out)."""
        return F.linear(inputs, self.weight, self.bias)

    def moved(self, offset: Tensor) -> Layer:
        """The layer with an offset (out,) added to its bias."""
        return Layer(self.weight, offset if self.bias is None else self.bias + offset)

    def to(self, device: torch.device | str) -> Layer:
        """On a device."""
        return Layer(self.weight.to(device), None if self.bias is None else self.bias.to(device))


@dataclass(frozen=True)
class Base:
    """The part that computes density and features for the colour head: a hash grid and two layers."""

    table: Tensor
    """(rows, F)."""
    first: Layer
    """From L·F features, ordered by level, to hidden units."""
    last: Layer
    """To 16 outputs: the logarithm of the density, then the head's features."""

    def to(self, device: torch.device | str) -> Base:
        """On a device."""
        return Base(self.table.to(device), self.first.to(device), self.last.to(device))


class WeightLayout(Protocol):
    """A checkpoint's layout of weights."""

    @property
    def grid(self) -> HashLevels:
        """The layout of levels in the hash table."""

    def base(self, state: State) -> Base:
        """The base in a model's tensors."""

    def head(self, state: State) -> tuple[Layer, ...]:
        """The colour head: from 16 harmonics of the direction, 15 features and the appearance to RGB.

        Its first layer always has a bias.
        """

    def with_base(self, state: State, base: Base) -> dict[str, Tensor]:
        """The state with another base, possibly a wider one."""

    def with_head(self, state: State, head: Sequence[Layer]) -> dict[str, Tensor]:
        """The state with another head of the same widths."""


class TorchLayout:
    """nerfstudio's torch implementation, with separately named tensors."""

    def __init__(self, field: Any) -> None:
        encoding = field.mlp_base.model[0]
        self._grid = hashed(encoding.scalings, encoding.hash_table_size)

    @property
    def grid(self) -> HashLevels:
        """All levels hashed."""
        return self._grid

    def base(self, state: State) -> Base:
        """See `WeightLayout`."""
        first, last = (_layer(state, name) for name in _BASE)
        return Base(state[_TABLE], first, last)

    def head(self, state: State) -> tuple[Layer, ...]:
        """See `WeightLayout`."""
        return tuple(_layer(state, name) for name in _HEAD)

    def with_base(self, state: State, base: Base) -> dict[str, Tensor]:
        """See `WeightLayout`."""
        return {**state, _TABLE: base.table, **_named(_BASE, (base.first, base.last))}

    def with_head(self, state: State, head: Sequence[Layer]) -> dict[str, Tensor]:
        """See `WeightLayout`."""
        return {**state, **_named(_HEAD, head)}


def widened(old: Base, new: Base) -> Base:
    """Two bases of the same widths concatenated, with the density of the old one only.

    The last layer of the new one has only the rows of features, and no bias. Weights that would connect the
    new half to the density, or to the old half, are zero.
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
