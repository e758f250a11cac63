"""The colours of a nerfacto as something to learn, while its density stays what it is, bit for bit.

nerfacto computes density and colour from one hash grid and one hidden layer. The wide model is the same class
with twice the features a level and twice the hidden units: the old halves are frozen and feed the density as
before; the new halves feed the colour alone. config.yml says how wide a model is, so nerfstudio itself opens it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nst3d.errors import InputError
from nst3d.formats.nerfstudio_run import NerfstudioRun
from nst3d.integrations.nerfstudio.hash_grid import grid_features
from nst3d.integrations.nerfstudio.nerfacto import Nerfacto

_TABLE = "field.mlp_base.model.0.hash_table"
_FIRST, _LAST = "field.mlp_base.model.1.layers.0.", "field.mlp_base.model.1.layers.1."
_HEAD = tuple(f"field.mlp_head.layers.{k}." for k in range(3))
_HARMONICS, _GEOMETRY = 16, 15
_WIDTH, _FEATURES = "hidden_dim", "features_per_level"
_TABLE_UNIT, _LAYER_UNIT = 0.3, 0.1
"""What one unit of a parameter is worth, so that the step sizes that suit colours in [0, 1] suit it."""
_SMALL = 1e-4
"""New features start in ± this, as nerfacto's own do."""


@dataclass(frozen=True)
class Looking:
    """What a colour knows of the direction it is seen from."""

    mean: Tensor
    """(16,): nerfstudio's encoding of a direction, averaged over the rays of all views."""
    keep: float = 0.0
    """How much of a ray's own encoding stays: 0 gives all rays the mean, 1 leaves the model as it is."""


class ColourNet:
    """The trained part of a nerfacto's colour, and the model that it makes."""

    def __init__(self, nerf: Nerfacto, looking: Looking, wide: bool = True, seed: int = 0) -> None:
        """Start with the NeRF's own colours, as `looking` lets them be seen.

        `wide` learns features of its own; else the colour head alone learns, which can change the palette but
        paint no strokes. Raises InputError where the run's config does not say how wide its model is.
        """
        self._nerf, self.wide = nerf, wide
        state = {name: tensor.to(nerf.device) for name, tensor in nerf.run.state.items()}
        if wide:
            _need_widths(nerf.run)
        self._old = state
        self._sides = nerf.field.mlp_base.model[0].scalings.to(nerf.device)
        weight = state[_HEAD[0] + "weight"]
        parts = (_HARMONICS, _GEOMETRY, weight.shape[1] - _HARMONICS - _GEOMETRY)
        harmonics, geometry, self._appearance = weight.split(parts, dim=1)
        self._directional = looking.keep * harmonics
        bias = state[_HEAD[0] + "bias"] + (1 - looking.keep) * (harmonics @ looking.mean.to(weight))
        self._open = len(self._sides)
        self._units: list[float] = []
        self._learnt: list[Tensor] = []
        for value in (geometry, bias, *(state[h + n] for h in _HEAD[1:] for n in ("weight", "bias"))):
            self._learn(value, _LAYER_UNIT)
        if wide:
            self._widen(torch.Generator().manual_seed(seed))
        self._shown = _shown_appearance(nerf).to(weight)

    @property
    def directional(self) -> bool:
        """Whether colours depend on the direction they are seen from."""
        return bool(self._directional.any())

    def parameters(self) -> list[Tensor]:
        """What is learnt, each in its own unit: leaf tensors, the same always."""
        return self._learnt

    def limit(self, detail: float) -> None:
        """Learn no level of the hash grid with more than `detail` cells along an axis.

        Where views' pixels lie farther apart, finer features would learn those pixels' middles alone, and any
        other camera would see noise between them.
        """
        self._open = max(1, int((self._sides <= detail).sum()))

    @torch.no_grad()
    def geometry(self, places: Tensor) -> Tensor:
        """What the frozen model makes of places (m, 3) for the colour head: (m, 15)."""
        old = self._old
        features = grid_features(old[_TABLE], places, self._sides)
        hidden = F.linear(features, old[_FIRST + "weight"], old[_FIRST + "bias"]).relu_()
        return F.linear(hidden, old[_LAST + "weight"][1:], old[_LAST + "bias"][1:])

    def encoded(self, directions: Tensor) -> Tensor:
        """nerfstudio's encoding (m, 16) of unit directions (m, 3)."""
        return torch.as_tensor(self._nerf.field.direction_encoding((directions + 1) / 2))

    def colours(self, places: Tensor, geometry: Tensor, encoded: Tensor | None) -> Tensor:
        """The colours (m, 3) at places with their `geometry`, seen along `encoded` directions; differentiable.

        `encoded` (m, 16) may be None unless colours are `directional`.
        """
        head, bias, second, second_bias, third, third_bias, *new = self._values()
        if new:
            table, first, first_bias, last = new
            rows = len(table) // len(self._sides) * self._open
            table = torch.cat([table[:rows], table[rows:].detach()])
            hidden = F.linear(grid_features(table, places, self._sides), first, first_bias).relu()
            geometry = geometry + F.linear(hidden, last)
        hidden = F.linear(geometry, head, bias + self._appearance @ self._shown)
        if encoded is not None:
            hidden = hidden + F.linear(encoded, self._directional)
        hidden = F.linear(hidden.relu(), second, second_bias).relu()
        return F.linear(hidden, third, third_bias).sigmoid()

    @torch.no_grad()
    def state(self) -> dict[str, Tensor]:
        """The tensors of the whole model, by nerfstudio's names; all that is not colour as it was."""
        state = {name: tensor.cpu() for name, tensor in self._nerf.run.state.items()}
        head, bias, second, second_bias, third, third_bias, *new = (v.cpu() for v in self._values())
        state[_HEAD[0] + "weight"] = torch.cat([self._directional.cpu(), head, self._appearance.cpu()], dim=1)
        state[_HEAD[0] + "bias"] = bias
        state[_HEAD[1] + "weight"], state[_HEAD[1] + "bias"] = second, second_bias
        state[_HEAD[2] + "weight"], state[_HEAD[2] + "bias"] = third, third_bias
        return _widened(state, *new) if new else state

    def edits(self) -> dict[str, int]:
        """What config.yml must say of the model, by dotted names."""
        model = self._nerf.run.config["pipeline"]["model"]
        return {f"pipeline.model.{n}": 2 * model[n] for n in (_WIDTH, _FEATURES)} if self.wide else {}

    def _widen(self, generator: torch.Generator) -> None:
        table, weight = self._old[_TABLE], self._old[_FIRST + "weight"]
        bound = (2 * weight.shape[1]) ** -0.5
        self._learn(_uniform(table.shape, _SMALL, generator), _TABLE_UNIT)
        self._learn(_uniform(weight.shape, bound, generator), _LAYER_UNIT)
        self._learn(_uniform(weight.shape[:1], bound, generator), _LAYER_UNIT)
        # At first the new units say nothing, and the model renders as it did.
        self._learn(torch.zeros(_GEOMETRY, len(weight)), _LAYER_UNIT)

    def _learn(self, value: Tensor, unit: float) -> None:
        self._units.append(unit)
        parameter = (value.float() / unit).to(self._nerf.device, copy=True).contiguous()
        self._learnt.append(parameter.requires_grad_())

    def _values(self) -> list[Tensor]:
        return [unit * parameter for unit, parameter in zip(self._units, self._learnt)]


def _widened(
    state: dict[str, Tensor], table: Tensor, first: Tensor, bias: Tensor, last: Tensor
) -> dict[str, Tensor]:
    """The state with the new halves beside the old ones; what would join them to the density is zero."""
    old = state[_TABLE]
    features, (units, inputs) = old.shape[1], first.shape
    weight = first.new_zeros(2 * units, inputs // features, 2 * features)
    weight[:units, :, :features] = state[_FIRST + "weight"].view(units, -1, features)
    weight[units:, :, features:] = first.view(units, -1, features)
    silent = last.new_zeros(1, units)
    return state | {
        _TABLE: torch.cat([old, table], dim=1),
        _FIRST + "weight": weight.flatten(1),
        _FIRST + "bias": torch.cat([state[_FIRST + "bias"], bias]),
        _LAST + "weight": torch.cat([state[_LAST + "weight"], torch.cat([silent, last])], dim=1),
    }


def _shown_appearance(nerf: Nerfacto) -> Tensor:
    """The embedding that nerfstudio shows in evaluation, (e,)."""
    embedding = nerf.field.embedding_appearance
    if embedding is None:
        return torch.zeros(0)
    mean = embedding.mean(dim=0)
    return torch.as_tensor(mean if nerf.options.use_average_appearance_embedding else torch.zeros_like(mean))


def _need_widths(run: NerfstudioRun) -> None:
    model = run.config["pipeline"]["model"]
    for name in (_WIDTH, _FEATURES):
        if not isinstance(model.get(name), int):
            raise InputError(
                f"{run.folder}: config.yml has no pipeline.model.{name}, so its model cannot be widened;"
                " give --nerf head or --nerf baked"
            )


def _uniform(shape: torch.Size, bound: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(shape, generator=generator) * 2 - 1) * bound
