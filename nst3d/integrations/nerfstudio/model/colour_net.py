"""Trainable colours of a nerfacto whose density is unchanged, bit for bit.

nerfacto computes density and colour from one hash grid and one hidden layer. The wide model is the same class
with twice the features per level and twice the hidden units: the old halves are frozen and feed the density
as before; the new halves feed only the colour. Widths are in config.yml, so nerfstudio itself opens the
model. tiny-cuda-nn rounds to half precision and sums a wider model in another order: there the density is
preserved to that precision, about 1 in 1000.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nst3d.errors import InputError
from nst3d.formats.nerfstudio.config import config_part
from nst3d.formats.nerfstudio.run import NerfstudioRun
from nst3d.integrations.nerfstudio.model.layout import Base, Layer, TorchLayout, WeightLayout, widened
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
from nst3d.integrations.nerfstudio.model.tcnn import is_tcnn
from nst3d.integrations.nerfstudio.model.tcnn_layout import tcnn_layout

_HARMONICS, _GEOMETRY = 16, 15
_WIDTH, _FEATURES = "hidden_dim", "features_per_level"
_TABLE_UNIT, _LAYER_UNIT = 0.3, 0.1
"""Values of one unit of a parameter, so that step sizes for colours in [0, 1] also suit parameters."""
_SMALL = 1e-4
"""Bound ± of initial new features, as in nerfacto."""


@dataclass(frozen=True)
class Looking:
    """View-dependence of colours."""

    mean: Tensor
    """(16,): nerfstudio's direction encoding, averaged over the rays of all views."""
    keep: float = 0.0
    """Fraction of a ray's own encoding to keep: 0 gives all rays the mean, 1 leaves the model unchanged."""


class ColourNet:
    """The trainable part of a nerfacto's colour, and the resulting model."""

    def __init__(self, nerf: Nerfacto, looking: Looking, wide: bool = True, seed: int = 0) -> None:
        """Start with the NeRF's own colours, with the view-dependence of `looking`.

        `wide` trains new features; otherwise only the colour head is trained, which can change the palette
        but not paint strokes. Raises InputError if colours cannot be written; see `colour_layout`.
        """
        self._nerf, self.wide = nerf, wide
        self._layout = colour_layout(nerf, wide)
        first, *rest = self._layout.head(nerf.run.state)
        first = first.to(nerf.device)
        weight = first.weight
        parts = (_HARMONICS, _GEOMETRY, weight.shape[1] - _HARMONICS - _GEOMETRY)
        harmonics, geometry, self._appearance = weight.split(parts, dim=1)
        self._directional = looking.keep * harmonics
        fixed = (1 - looking.keep) * (harmonics @ looking.mean.to(weight))
        self._open = len(self._layout.grid.scales)
        self._learnt: dict[str, tuple[Tensor, float]] = {}
        self._learn("first", Layer(geometry, first.bias).moved(fixed), _LAYER_UNIT)
        for name, layer in zip(("second", "third"), rest):
            self._learn(name, layer, _LAYER_UNIT)
        if wide:
            self._widen(torch.Generator().manual_seed(seed))
        self._shown = _shown_appearance(nerf).to(weight)

    @property
    def directional(self) -> bool:
        """Whether colours depend on the viewing direction."""
        return bool(self._directional.any())

    def parameters(self) -> list[Tensor]:
        """Trainable leaf tensors, each in its own unit; always the same objects."""
        return [parameter for parameter, _ in self._learnt.values()]

    def limit(self, detail: float) -> None:
        """Freeze levels of the hash grid with more than `detail` cells along an axis.

        Where pixels are farther apart than cells, finer features would fit only the pixels' centres, and
        other cameras would see noise between them.
        """
        self._open = max(1, int((self._layout.grid.scales <= detail).sum()))

    @torch.no_grad()
    def geometry(self, places: Tensor) -> Tensor:
        """The frozen model's features (m, 15) for the colour head at places (m, 3)."""
        return self._nerf.base(places)[:, 1:]

    def encoded(self, directions: Tensor) -> Tensor:
        """nerfstudio's encoding (m, 16) of unit directions (m, 3)."""
        return self._nerf.encoded(directions)

    def colours(self, places: Tensor, geometry: Tensor, encoded: Tensor | None) -> Tensor:
        """The colours (m, 3) at places with their `geometry`, seen along `encoded` directions; differentiable.

        `encoded` (m, 16) may be None unless colours are `directional`.
        """
        if self.wide:
            base, grid = self._base(), self._layout.grid
            rows = int(grid.starts[self._open])
            table = torch.cat([base.table[:rows], base.table[rows:].detach()])
            geometry = geometry + base.last(base.first(grid.read(table, places)).relu())
        hidden = self._layer("first").moved(self._appearance @ self._shown)(geometry)
        if encoded is not None:
            hidden = hidden + F.linear(encoded, self._directional)
        return self._layer("third")(self._layer("second")(hidden.relu()).relu()).sigmoid()

    @torch.no_grad()
    def state(self) -> dict[str, Tensor]:
        """The tensors of the whole model, by nerfstudio's names; everything except colour is unchanged."""
        state = {name: tensor.cpu() for name, tensor in self._nerf.run.state.items()}
        own, second, third = (self._layer(name) for name in ("first", "second", "third"))
        first = Layer(torch.cat([self._directional, own.weight, self._appearance], dim=1), own.bias)
        state = self._layout.with_head(state, [layer.to("cpu") for layer in (first, second, third)])
        if self.wide:
            new = self._base().to("cpu")
            state = self._layout.with_base(state, widened(self._layout.base(state), new))
        return state

    def edits(self) -> dict[str, int]:
        """Changes to config.yml for the model, by dotted names."""
        model = config_part(self._nerf.run.folder, self._nerf.run.config, "pipeline.model")
        return {f"pipeline.model.{n}": 2 * model[n] for n in (_WIDTH, _FEATURES)} if self.wide else {}

    def _widen(self, generator: torch.Generator) -> None:
        old = self._layout.base(self._nerf.run.state)
        weight = old.first.weight
        bound = (2 * weight.shape[1]) ** -0.5
        self._learn("table", Layer(_uniform(old.table.shape, _SMALL, generator)), _TABLE_UNIT)
        units = _uniform(weight.shape, bound, generator)
        bias = None if old.first.bias is None else _uniform(weight.shape[:1], bound, generator)
        self._learn("units", Layer(units, bias), _LAYER_UNIT)
        # Initially the new units contribute nothing, and the model renders as before.
        self._learn("features", Layer(torch.zeros(_GEOMETRY, len(weight))), _LAYER_UNIT)

    def _learn(self, name: str, layer: Layer, unit: float) -> None:
        for key, value in ((name, layer.weight), (f"{name} bias", layer.bias)):
            if value is not None:
                parameter = (value.float() / unit).to(self._nerf.device, copy=True).contiguous()
                self._learnt[key] = parameter.requires_grad_(), unit

    def _layer(self, name: str) -> Layer:
        """The current layer, in the model's units."""
        found = [
            unit * p for p, unit in (self._learnt[k] for k in (name, f"{name} bias") if k in self._learnt)
        ]
        return Layer(*found)

    def _base(self) -> Base:
        """The new half of the base, whose last layer outputs only features."""
        return Base(self._layer("table").weight, self._layer("units"), self._layer("features"))


def colour_layout(nerf: Nerfacto, wide: bool = True) -> WeightLayout:
    """The layout of colour weights in a NeRF's checkpoint; `wide`: the base is to be widened.

    Raises InputError if its config or its modules do not allow colours to be written.
    """
    if wide:
        _need_widths(nerf.run)
    if is_tcnn(nerf.run.state):
        return tcnn_layout(nerf.run.folder, nerf.field, wide)
    return TorchLayout(nerf.field)


def _shown_appearance(nerf: Nerfacto) -> Tensor:
    """The appearance embedding that nerfstudio uses in evaluation, (e,)."""
    embedding = nerf.field.embedding_appearance
    if embedding is None:
        return torch.zeros(0)
    mean = embedding.mean(dim=0)
    return torch.as_tensor(mean if nerf.options.use_average_appearance_embedding else torch.zeros_like(mean))


def _need_widths(run: NerfstudioRun) -> None:
    model = config_part(run.folder, run.config, "pipeline.model")
    for name in (_WIDTH, _FEATURES):
        if not isinstance(model.get(name), int):
            raise InputError(
                f"{run.folder}: config.yml has no pipeline.model.{name}, so its model cannot be widened;"
                " give `nerf='head'`"
            )


def _uniform(shape: torch.Size, bound: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(shape, generator=generator) * 2 - 1) * bound
