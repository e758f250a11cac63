"""Colours as a small network of places on the surface, in place of a number for each row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch.utils.checkpoint import checkpoint

from nst3d.errors import ConfigError
from nst3d.operators.grid_basis import grid_basis, grid_nodes
from nst3d.stylize.layout import Layout
from nst3d.stylize.stage_scene import Places, TableStage
from nst3d.stylize.table import Table
from nst3d.tensors import Array, Colours

_WAVES, _WIDTH, _LAYERS = 64, 96, 2
"""Directions of waves, and the network's channels and hidden layers."""
_STEP = 0.1
"""Size of a weight's step, relative to one of a colour, by which learning rates are given."""
_CELL = 2.0
"""Least side of the cells between whose corners the network is interpolated, in pixels."""
_SAMPLE = 200_000
"""Rows by which nodes are counted."""
_CHUNK = 1 << 16
"""Nodes above which activations are computed again in the backward pass, chunk by chunk, and not kept."""


class StyleField:
    """A perceptron of Fourier features of places; its last layer starts at 0, and so does the change that it makes.

    Tancik et al. 2020, "Fourier features let networks learn high frequency functions in low dimensional domains";
    the neural style field of Michel et al. 2022, "Text2Mesh: text-driven neural stylization for meshes".
    """

    def __init__(
        self, fineness: float, dtype: torch.dtype = torch.float32, device: torch.device | None = None
    ) -> None:
        """`fineness`: standard deviation of the waves' number across half the scene, along each axis."""
        source = torch.Generator().manual_seed(0)
        waves = torch.randn(3, _WAVES, generator=source, dtype=torch.float64)
        self._waves = (2 * math.pi * fineness * waves).to(device, dtype)
        sizes = [2 * _WAVES, *[_WIDTH] * _LAYERS, 3]
        self.steps: list[torch.Tensor] = []
        """Weights (inside, out) and biases (out,), layer by layer, divided by the size of their steps."""
        for inside, out in pairwise(sizes):
            spread = 0.0 if out == 3 else math.sqrt(2 / inside) / _STEP  # He et al. 2015
            weights = torch.randn(inside, out, generator=source, dtype=torch.float64) * spread
            self.steps += [weights.to(device, dtype), torch.zeros(out, dtype=dtype, device=device)]
        for step in self.steps:
            step.requires_grad_()

    def table(self, base: Colours, stage: TableStage) -> FieldTable:
        """A stage's table, whose colours are now `base` (n, 3). ConfigError if its rows are not in space."""
        if stage.places is None:
            raise ConfigError("`table.field` needs a scene with a surface, which this one has not")
        sizes = [camera.size for camera in stage.cameras] or [view.size for view in stage.views]
        most = max(size.height * size.width for size in sizes)
        places = stage.places()
        return FieldTable(base, stage.layout, places.positions, _cell(places, most), self)

    def features(self, places: torch.Tensor) -> torch.Tensor:
        """(m, 2 · waves): sines and cosines of places (m, 3)."""
        phases = places.to(self._waves) @ self._waves
        return torch.cat([phases.sin(), phases.cos()], 1)

    def change(self, features: torch.Tensor, steps: Sequence[torch.Tensor]) -> Colours:
        """The change of colour (m, 3), between -1 and 1, at places with these features."""
        if len(features) <= _CHUNK or not torch.is_grad_enabled():
            return torch.cat([_perceptron(part, *steps) for part in features.split(_CHUNK)])
        parts = (
            checkpoint(_perceptron, part, *steps, use_reentrant=False) for part in features.split(_CHUNK)
        )
        return torch.cat(list(parts))


def _perceptron(features: torch.Tensor, *steps: torch.Tensor) -> Colours:
    x = features
    for weights, bias in zip(steps[:-2:2], steps[1:-2:2]):
        x = torch.relu(torch.addmm(bias * _STEP, x, weights * _STEP))
    return torch.tanh(torch.addmm(steps[-1] * _STEP, x, steps[-2] * _STEP))


class FieldTable(Table):
    """A table of a style field: colours = base + B f(nodes), with B the trilinear map from a grid's nodes to rows.

    The grid has about as many nodes as a view has pixels, at most, however many rows there are. The field outlives the
    scales.
    """

    def __init__(
        self, base: Colours, layout: Layout, positions: Array, cell: float, field: StyleField
    ) -> None:
        """`base` (n, 3): the colours now, what the field has changed included, of rows at `positions` (n, 3)."""
        self.layout, self.steps, self._field = layout, field.steps, field
        self._basis = grid_basis(positions, cell)
        nodes = torch.from_numpy(grid_nodes(positions, cell))
        self._features = field.features(nodes).to(base.device)
        with torch.no_grad():
            self.base = base - self.decoded(self.steps)

    def decoded(self, steps: Sequence[torch.Tensor]) -> Colours:
        """What the field changes (n, 3), which is not linear in its steps."""
        return self._basis.image(self._field.change(self._features, steps))[:, 0]

    def _gathered(self, table: Colours) -> Sequence[torch.Tensor]:
        return [table]

    def _spread(self, steps: Sequence[torch.Tensor]) -> Colours:
        return steps[0]

    def clamp_(self, colours: Colours) -> Colours:
        """The colours within [0, 1], as they are shown; the field goes on from what it has."""
        return colours.clamp(0, 1)


def _cell(places: Places, most: int) -> float:
    """The side of cells with about `most` nodes, or fewer, which grow in number with the surface between them."""
    cell = _CELL * places.pixel
    sample = places.positions[:: max(1, len(places.positions) // _SAMPLE)]
    while (count := len(grid_nodes(sample, cell))) > max(most, 8):
        cell *= 1.02 * math.sqrt(count / most)
    return cell
