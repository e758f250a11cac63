"""The weights of a nerfacto in tiny-cuda-nn's layout, one vector per network, checked against the package.

The package does not guarantee this order. Before any weight is written, random weights are therefore run
through both the package's modules and ours; if the two disagree, nothing is written.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from nerfstudio.field_components.mlp import MLPWithHashEncoding
from torch import Tensor

from nst3d.errors import InputError
from nst3d.integrations.nerfstudio.model.hash_grid import HashLevels, staggered
from nst3d.integrations.nerfstudio.model.layout import Base, Layer, State, widened
from nst3d.integrations.nerfstudio.model.tcnn import tcnn_version

_BASE, _HEAD = "field.mlp_base.model.params", "field.mlp_head.tcnn_encoding.params"
_MULTIPLES = (16, 8, 4)
"""Multiples to which widths may be padded: for tensor cores, and in versions for older GPUs."""
_FEATURES = 8
"""Maximum number of features per level."""
_PROBES = 1024
"""Number of random inputs, a multiple of the package's batch size."""
_SPREAD = 0.5
"""Spread of random weights: large enough for every level and unit to matter, small enough not to saturate
colours."""
_AGREE = 0.02
"""Largest RMS difference that half precision explains, relative to the spread of the values: sums in half
precision differ by 0.002, one misread level of sixteen by more than 0.2."""


class _UnknownError(Exception):
    """The weights have an unknown layout."""


@dataclass(frozen=True)
class Stack:
    """The layers of a network in a vector: concatenated row-major matrices, without biases.

    The first has more columns than there are inputs, the last more rows than there are outputs.
    """

    inputs: int
    width: int
    hidden: int
    """Number of hidden layers."""
    outputs: int
    multiple: int = _MULTIPLES[0]
    """Multiple to which the first matrix's columns and the last matrix's rows are padded."""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Shapes of the matrices, in order."""
        inputs, outputs = (-(-n // self.multiple) * self.multiple for n in (self.inputs, self.outputs))
        return [(self.width, inputs), *[(self.width, self.width)] * (self.hidden - 1), (outputs, self.width)]

    @property
    def count(self) -> int:
        """Total number of elements of all matrices."""
        return sum(rows * columns for rows, columns in self.shapes)

    def matrices(self, vector: Tensor) -> list[Tensor]:
        """Views of a vector (at least `count`,) as the matrices."""
        parts = vector[: self.count].split([rows * columns for rows, columns in self.shapes])
        return [part.view(shape) for part, shape in zip(parts, self.shapes)]

    def fitted(self, count: int) -> Stack:
        """The stack with the padding that gives `count` elements."""
        for multiple in _MULTIPLES:
            found = replace(self, multiple=multiple)
            if found.count == count:
                return found
        raise _UnknownError


class TcnnLayout:
    """Two vectors: one of the base's matrices followed by its hash table, one of the head's matrices.

    The padding of the head's inputs is always 1, so its columns act as a bias, which otherwise does not
    exist. The bias is written into the column of the constant harmonic, because not all widths need padding.
    """

    def __init__(self, base: Any, head: Any, constant: float) -> None:
        """Read sizes from nerfstudio's `MLPWithHashEncoding` and `MLP`; `constant` is the first harmonic."""
        self._grid = staggered(base.num_levels, base.min_res, base.growth_factor, base.hash_table_size)
        self._features, self._constant = base.features_per_level, constant
        rows = int(self._grid.starts[-1])
        self._base = Stack(
            base.num_levels * self._features, base.layer_width, base.num_layers - 1, base.out_dim
        )
        self._base = self._base.fitted(base.model.params.numel() - rows * self._features)
        self._head = Stack(head.in_dim, head.layer_width, head.num_layers - 1, head.out_dim)
        self._head = self._head.fitted(head.tcnn_encoding.params.numel())

    @property
    def grid(self) -> HashLevels:
        """Coarse levels are dense, others hashed."""
        return self._grid

    def base(self, state: State) -> Base:
        """See `Layout`."""
        return self.base_of(state[_BASE])

    def base_of(self, vector: Tensor) -> Base:
        """The base stored in a vector."""
        first, last = self._base.matrices(vector)
        table = vector[self._base.count :].view(-1, self._features)
        return Base(table, Layer(first[:, : self._base.inputs]), Layer(last[: self._base.outputs]))

    def head(self, state: State) -> tuple[Layer, ...]:
        """See `Layout`."""
        return self.head_of(state[_HEAD])

    def head_of(self, vector: Tensor) -> tuple[Layer, ...]:
        """The head stored in a vector."""
        first, second, third = self._head.matrices(vector)
        inputs = self._head.inputs
        ones = first[:, inputs:].sum(dim=1)
        return Layer(first[:, :inputs], ones), Layer(second), Layer(third[: self._head.outputs])

    def with_base(self, state: State, base: Base) -> dict[str, Tensor]:
        """See `Layout`."""
        width, inputs = base.first.weight.shape
        stack = replace(self._base, inputs=inputs, width=width)
        vector = base.table.new_zeros(stack.count + base.table.numel())
        first, last = stack.matrices(vector)
        first[:, :inputs], last[: stack.outputs] = base.first.weight, base.last.weight
        vector[stack.count :] = base.table.flatten()
        return {**state, _BASE: vector}

    def with_head(self, state: State, head: Sequence[Layer]) -> dict[str, Tensor]:
        """See `Layout`."""
        vector = state[_HEAD].clone()
        first, second, third = self._head.matrices(vector)
        inputs = self._head.inputs
        wanted = head[0].bias
        assert wanted is not None
        first[:, :inputs] = head[0].weight
        first[:, 0] += (wanted - first[:, inputs:].sum(dim=1)) / self._constant
        second.copy_(head[1].weight)
        third[: self._head.outputs] = head[2].weight
        return {**state, _HEAD: vector}


@torch.no_grad()
def tcnn_layout(folder: Path, field: Any, wide: bool) -> TcnnLayout:
    """The layout of a nerfacto's field (built with tiny-cuda-nn), verified against the package.

    `wide`: the base is to be widened. Raises InputError if the installed package disagrees, or does not
    support that many features; `folder` is used in messages.
    """
    if wide and 2 * field.mlp_base.features_per_level > _FEATURES:
        raise InputError(
            f"{folder}: has {field.mlp_base.features_per_level} features a level, and tiny-cuda-nn at most"
            f" {_FEATURES}, so its model cannot be widened; give `nerf='head'`"
        )
    try:
        return _confirmed(field, wide)
    except _UnknownError:
        raise InputError(
            f"{folder}: {tcnn_version()} stores weights in an unknown order, so that colours cannot be"
            " written into them; train the nerfacto with --pipeline.model.implementation torch"
        ) from None


def _confirmed(field: Any, wide: bool) -> TcnnLayout:
    base, head = field.mlp_base, field.mlp_head
    generator = torch.Generator().manual_seed(0)
    vector = base.model.params

    def noise(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator).to(vector.device)

    layout = TcnnLayout(base, head, _constant(field, noise(_PROBES, 3)))
    places = noise(_PROBES, 3)
    _probe(base.model, lambda v: _through_base(layout, v, places), places, noise)
    inputs = 2 * noise(_PROBES, head.in_dim) - 1
    _probe(head.tcnn_encoding, lambda v: torch.sigmoid(_through(layout.head_of(v), inputs)), inputs, noise)
    if wide:
        _probe_wide(base, layout, places, noise)
    return layout


def _constant(field: Any, directions: Tensor) -> float:
    """The harmonic of degree 0, as rounded by the package."""
    first = field.direction_encoding(directions).float()[:, 0]
    if float(first[0]) < 0.1 or float((first - first[0]).abs().max()) > 0:
        raise _UnknownError
    return float(first[0])


def _probe(
    module: Any, ours: Callable[[Tensor], Tensor], inputs: Tensor, noise: Callable[..., Tensor]
) -> None:
    """Compare outputs of a package module with random weights to ours for the same inputs."""
    kept = module.params.clone()
    # Rounded as in the package, so that only sums differ.
    random = ((noise(len(kept)) - 0.5) * _SPREAD).half().float()
    module.params.copy_(random)
    try:
        _agree(module(inputs).float(), ours(random))
    finally:
        module.params.copy_(kept)


def _probe_wide(base: Any, layout: TcnnLayout, places: Tensor, noise: Callable[..., Tensor]) -> None:
    """Compare the base's outputs to those of an equivalent base of twice its widths."""
    wider = MLPWithHashEncoding(
        num_levels=base.num_levels,
        min_res=base.min_res,
        max_res=base.max_res,
        log2_hashmap_size=base.log2_hashmap_size,
        features_per_level=2 * base.features_per_level,
        num_layers=base.num_layers,
        layer_width=2 * base.layer_width,
        out_dim=base.out_dim,
        activation=base.activation,
        out_activation=base.out_activation,
        implementation="tcnn",
    ).to(places.device)
    old = layout.base_of(base.model.params)
    silent = noise(*old.last.weight[1:].shape) * 0
    new = Base(noise(*old.table.shape), Layer(noise(*old.first.weight.shape)), Layer(silent))
    vector = layout.with_base({}, widened(old, new))[_BASE]
    if vector.shape != wider.model.params.shape:
        raise _UnknownError
    wider.model.params.copy_(vector)
    _agree(wider(places).float(), base(places).float())


def _through_base(layout: TcnnLayout, vector: Tensor, places: Tensor) -> Tensor:
    base = layout.base_of(vector)
    return _through((base.first, base.last), layout.grid.read(base.table, places))


def _through(layers: Sequence[Layer], values: Tensor) -> Tensor:
    for layer in layers[:-1]:
        values = layer(values).relu()
    return layers[-1](values)


def _agree(theirs: Tensor, ours: Tensor) -> None:
    """Raise _UnknownError if values (m, n) differ by more than rounding."""
    if theirs.shape != ours.shape:
        raise _UnknownError
    spread = float(ours.std(dim=0).square().mean().sqrt())
    if not float((theirs - ours).square().mean().sqrt()) <= _AGREE * spread:
        raise _UnknownError
