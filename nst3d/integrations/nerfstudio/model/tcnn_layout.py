"""The weights of a nerfacto as tiny-cuda-nn keeps them: one vector a network, checked against the package itself.

The package does not promise this order. So before any weight is written, random ones go both through the
package's modules and through ours; where the two disagree nothing is written.

Imports nerfstudio: import this module where one is needed, after `need_nerfstudio`.
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
from nst3d.integrations.nerfstudio.model.hash_grid import Grid, staggered
from nst3d.integrations.nerfstudio.model.layout import Base, Layer, State, widened
from nst3d.integrations.nerfstudio.model.tcnn import tcnn_version

_BASE, _HEAD = "field.mlp_base.model.params", "field.mlp_head.tcnn_encoding.params"
_MULTIPLES = (16, 8, 4)
"""What widths may be padded to: for tensor cores, and by versions for older GPUs."""
_FEATURES = 8
"""A level's features at most."""
_PROBES = 1024
"""Random inputs, of which the package's batches are multiples."""
_SPREAD = 0.5
"""Of random weights: so large that each level and unit counts, so small that no colour is at its end."""
_AGREE = 0.02
"""The largest difference that half precision explains, root mean square, to the spread of the values: sums kept in
it differ by 0.002, one level of sixteen that is read wrongly by more than 0.2."""


class _UnknownError(Exception):
    """Weights that lie otherwise than known."""


@dataclass(frozen=True)
class Stack:
    """The layers of a network in a vector: one matrix after the other, row after row, without biases.

    The first has more columns than there are inputs, the last more rows than there are outputs.
    """

    inputs: int
    width: int
    hidden: int
    """Hidden layers."""
    outputs: int
    multiple: int = _MULTIPLES[0]
    """Of which the columns of the first matrix and the rows of the last are one."""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of the matrices, in turn."""
        inputs, outputs = (-(-n // self.multiple) * self.multiple for n in (self.inputs, self.outputs))
        return [(self.width, inputs), *[(self.width, self.width)] * (self.hidden - 1), (outputs, self.width)]

    @property
    def count(self) -> int:
        """The numbers of all matrices."""
        return sum(rows * columns for rows, columns in self.shapes)

    def matrices(self, vector: Tensor) -> list[Tensor]:
        """Views of a vector (at least `count`,) as the matrices."""
        parts = vector[: self.count].split([rows * columns for rows, columns in self.shapes])
        return [part.view(shape) for part, shape in zip(parts, self.shapes)]

    def fitted(self, count: int) -> Stack:
        """The same with the padding that makes `count` numbers of it."""
        for multiple in _MULTIPLES:
            found = replace(self, multiple=multiple)
            if found.count == count:
                return found
        raise _UnknownError


class TcnnLayout:
    """Two vectors: the base's matrices and then its hash table, and the head's matrices.

    The padding of the head's inputs is always 1, so that its columns are a bias, which does not exist
    otherwise. It is written into the column of the constant harmonic, as not all widths need padding.
    """

    def __init__(self, base: Any, head: Any, constant: float) -> None:
        """Read the sizes of nerfstudio's `MLPWithHashEncoding` and `MLP`; `constant` is the first harmonic."""
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
    def grid(self) -> Grid:
        """Coarse levels dense, others hashed."""
        return self._grid

    def base(self, state: State) -> Base:
        """See `Layout`."""
        return self.base_of(state[_BASE])

    def base_of(self, vector: Tensor) -> Base:
        """The base in its vector."""
        first, last = self._base.matrices(vector)
        table = vector[self._base.count :].view(-1, self._features)
        return Base(table, Layer(first[:, : self._base.inputs]), Layer(last[: self._base.outputs]))

    def head(self, state: State) -> tuple[Layer, ...]:
        """See `Layout`."""
        return self.head_of(state[_HEAD])

    def head_of(self, vector: Tensor) -> tuple[Layer, ...]:
        """The head in its vector."""
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
    """The layout of a nerfacto's field (built with tiny-cuda-nn), after the package has confirmed it.

    `wide`: the base is to be widened. Raises InputError where the installed package disagrees, or cannot
    have so many features; `folder` is for messages.
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
            f"{folder}: {tcnn_version()} keeps weights in an order that is not known, so that colours cannot be"
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
    """The harmonic of degree 0 as the package rounds it."""
    first = field.direction_encoding(directions).float()[:, 0]
    if float(first[0]) < 0.1 or float((first - first[0]).abs().max()) > 0:
        raise _UnknownError
    return float(first[0])


def _probe(
    module: Any, ours: Callable[[Tensor], Tensor], inputs: Tensor, noise: Callable[..., Tensor]
) -> None:
    """Compare what a module of the package makes of inputs with random weights to what we make of the same."""
    kept = module.params.clone()
    # As the package rounds them, so that only its sums differ.
    random = ((noise(len(kept)) - 0.5) * _SPREAD).half().float()
    module.params.copy_(random)
    try:
        _agree(module(inputs).float(), ours(random))
    finally:
        module.params.copy_(kept)


def _probe_wide(base: Any, layout: TcnnLayout, places: Tensor, noise: Callable[..., Tensor]) -> None:
    """Compare the base's outputs to those of one of twice its widths that says the same."""
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
    """Raises _UnknownError where values (m, n) differ by more than rounding."""
    if theirs.shape != ours.shape:
        raise _UnknownError
    spread = float(ours.std(dim=0).square().mean().sqrt())
    if not float((theirs - ours).square().mean().sqrt()) <= _AGREE * spread:
        raise _UnknownError
