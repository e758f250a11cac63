"""Histogram loss: Risser, Wilmot & Barnes 2017, "Stable and controllable neural texture synthesis and style transfer
using histogram losses"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, Normalise, check_normalise, precise
from nst3d.losses.observation import Observation
from nst3d.losses.quantiles import in_order, quantiles, rank_distance
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import covered_rows, rows_at, sampled_positions
from nst3d.tensors import Features


def histogram_loss(
    rows: torch.Tensor,
    ordered: torch.Tensor,
    normalise: Normalise = "relative",
    power: torch.Tensor | None = None,
) -> torch.Tensor:
    """The distance of each channel's values in `rows` (n, c) to the style's in `ordered` (c, s), ascending.

    "gatys": Σ (F - R)², where R has the style's values in the order of F (section 4.2). "mean": the mean of (F - R)².
    "relative": that mean divided by `power`, the style's mean square (None: that of `ordered`, which may be quantiles).
    Returns a scalar, at least float32; 0 without rows.

    Deviates from the paper in that values are matched by their exact ranks, not by histograms of 256 bins.
    """
    values = precise(rows).T.contiguous()
    if not values.numel():
        return values.sum()
    mean = rank_distance(values, ordered)
    if normalise == "gatys":
        return mean * values.numel()
    if normalise == "mean":
        return mean
    power = ordered.square().mean() if power is None else power
    return mean / power.clamp_min(torch.finfo(mean.dtype).tiny)


@final
class HistogramLoss(Loss):
    """The distance between the histograms of a view's and a style's channels, summed over layers.

    Only the values of each channel count, not where they are, nor which occur together.
    """

    def __init__(
        self, style: Mapping[str, Features], positions: int = 2048, normalise: Normalise = "relative"
    ) -> None:
        """Bind the style's features, layer to (c, h, w). Of larger views that many `positions` are drawn each step."""
        super().__init__()
        check_normalise(normalise)
        if positions < 1:
            raise ConfigError(f"positions is {positions}: expected a number of 1 or more")
        self.layers = tuple(style)
        self.positions = positions
        self.normalise: Normalise = normalise
        self.ordered = {
            k: in_order(precise(covered_rows(f.detach())).T.contiguous()) for k, f in style.items()
        }
        self._powers = {k: values.square().mean() for k, values in self.ordered.items()}
        self._wanted: dict[str, torch.Tensor] = {}
        """The style's quantiles, as many as were last asked for: mostly the same number in all views."""

    def forward(self, observation: Observation) -> torch.Tensor:
        """The sum over layers, a scalar; layers in which nothing is covered count 0."""
        losses = []
        for layer in self.layers:
            features = observation.features[layer]
            drawn = sampled_positions(
                features, observation.mask(layer), self.positions, observation.generator()
            )
            wanted = self._quantiles(layer, max(len(drawn), 1))
            losses.append(
                histogram_loss(rows_at(features, drawn), wanted, self.normalise, self._powers[layer])
            )
        return torch.stack(losses).sum()

    def _quantiles(self, layer: str, count: int) -> torch.Tensor:
        """The style's values (c, count) that as many of a view's are compared with, ascending."""
        known = self._wanted.get(layer)
        if known is None or known.shape[1] != count:
            known = self._wanted[layer] = quantiles(self.ordered[layer], count)
        return known


def _make(inputs: LossInputs) -> Loss:
    return HistogramLoss(inputs.styles(inputs.layers), inputs.options["positions"], inputs.normalise)


register_loss(
    "histogram",
    _make,
    ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    {"positions": 2048},
    bounds={"positions": Within(1, 1 << 20)},
)
