"""Sliced Wasserstein loss: Heitz, Vanhoey, Chambon & Belcour 2021, "A sliced Wasserstein loss for neural texture
synthesis"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
import torch.nn.functional as F

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, Normalise, check_normalise, precise
from nst3d.losses.observation import Observation
from nst3d.losses.quantiles import in_order, rank_distance
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import rows_at, sampled_positions
from nst3d.tensors import Features


def random_directions(channels: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """Unit vectors (channels, count) in float32, evenly distributed over the sphere."""
    return F.normalize(torch.randn(channels, count, generator=generator), dim=0)


def sliced_loss(
    rows: torch.Tensor, style: torch.Tensor, directions: torch.Tensor, normalise: Normalise = "relative"
) -> torch.Tensor:
    """The mean over `directions` (c, m) of the squared distance between sorted projections of (n, c) and (s, c).

    "gatys" and "mean": eq. 2 and 3 of the paper. "relative": divided by the style's mean square, which is that of its
    projections over all directions. Sets of different sizes are compared by their quantiles. Returns a scalar, at
    least float32; 0 without rows.
    """
    projected = precise(rows @ directions.to(rows)).T.contiguous()
    if not projected.numel():
        return projected.sum()
    ordered = in_order(precise(style @ directions.to(style)).T.contiguous())
    mean = rank_distance(projected, ordered)
    if normalise != "relative":
        return mean
    return mean / precise(style).square().mean().clamp_min(torch.finfo(mean.dtype).tiny)


@final
class SlicedLoss(Loss):
    """The sliced Wasserstein-2 distance between a view's features and a style's, summed over layers.

    It is 0 only for equal distributions of whole feature vectors, of which the Gram matrix is but one statistic. Where
    things are does not count.
    """

    def __init__(
        self,
        style: Mapping[str, Features],
        directions: int = 64,
        positions: int = 2048,
        normalise: Normalise = "relative",
    ) -> None:
        """Bind the style's features, layer to (c, h, w).

        Each step draws as many `directions`, and at most as many `positions` of the view. As many of the style are
        drawn once.
        """
        super().__init__()
        check_normalise(normalise)
        for name, value in (("directions", directions), ("positions", positions)):
            if value < 1:
                raise ConfigError(f"{name} is {value}: expected a number of 1 or more")
        self.layers = tuple(style)
        self.directions, self.positions = directions, positions
        self.normalise: Normalise = normalise
        generator = torch.Generator().manual_seed(0)
        self.style = {
            k: rows_at(f.detach(), sampled_positions(f, None, positions, generator)) for k, f in style.items()
        }

    def forward(self, observation: Observation) -> torch.Tensor:
        """The sum over layers, a scalar; layers in which nothing is covered count 0."""
        generator = observation.generator()
        losses = []
        for layer in self.layers:
            features = observation.features[layer]
            drawn = sampled_positions(features, observation.mask(layer), self.positions, generator)
            directions = random_directions(features.shape[0], self.directions, generator)
            losses.append(
                sliced_loss(rows_at(features, drawn), self.style[layer], directions, self.normalise)
            )
        return torch.stack(losses).sum()


def _make(inputs: LossInputs) -> Loss:
    options = inputs.options
    return SlicedLoss(
        inputs.styles(inputs.layers), options["directions"], options["positions"], inputs.normalise
    )


register_loss(
    "sliced",
    _make,
    ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    {"directions": 64, "positions": 2048},
    bounds={"directions": Within(1, 4096), "positions": Within(1, 65536)},
)
