"""Contextual loss: Mechrez, Talmi & Zelnik-Manor 2018, "The contextual loss for image transformation with non-aligned
data"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, final

import torch
import torch.nn.functional as F

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, Normalise, check_normalise, precise
from nst3d.losses.observation import Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import rows_at, sampled_positions, take_rows
from nst3d.tensors import Features

_EPSILON = 1e-5  # of the paper's eq. 2
_CHUNK_BYTES = 32 << 20
_BLOCK = 64


def log_affinities(rows: torch.Tensor, bank: torch.Tensor, bandwidth: float) -> torch.Tensor:
    """The logarithms (n, m) of CX_ij (eq. 2 to 4) between directions (n, c) and (m, c).

    How much more alike i is to j than to the rest of the bank; the affinities of each i sum to 1.
    """
    return _log_affinities(precise(rows @ bank.T), bandwidth)


def _log_affinities(cosines: torch.Tensor, bandwidth: float) -> torch.Tensor:
    nearest = cosines.amax(1, keepdim=True)
    # What is added to all exponents of a row makes no difference to its softmax.
    return F.log_softmax((cosines - nearest) * (1 / ((1 - nearest + _EPSILON) * bandwidth)), dim=1)


def contextual_loss(
    rows: torch.Tensor, bank: torch.Tensor, bandwidth: float = 0.5, chunk_bytes: int = _CHUNK_BYTES
) -> torch.Tensor:
    """-log of the mean over the bank's directions (m, c) of the largest affinity to any direction of `rows` (n, c).

    Eq. 1 and 5, in which each style feature asks for one view feature of its own. The gradient is exact, and memory
    does not grow with n · m: the largest are found in chunks of `chunk_bytes`, and only those few rows' affinities are
    computed again with a gradient. Returns a scalar, at least float32; 0 without rows.
    """
    if not len(rows):
        return precise(rows).sum()
    used, which = _most_alike(rows.detach(), bank, bandwidth, chunk_bytes).unique(return_inverse=True)
    affinities = _log_affinities(_Cosines.apply(take_rows(rows, used), bank), bandwidth)
    largest = affinities[which, torch.arange(len(bank), device=bank.device)]
    return torch.tensor(float(len(bank))).to(largest).log() - largest.logsumexp(0)


@torch.no_grad()
def _most_alike(rows: torch.Tensor, bank: torch.Tensor, bandwidth: float, chunk_bytes: int) -> torch.Tensor:
    """For each direction of the bank (m, c) the index (m,) int64 of the row (n, c) with the largest affinity."""
    height = max(1, chunk_bytes // (4 * len(bank)))
    best, index = [], []
    for start in range(0, len(rows), height):
        affinities = log_affinities(rows[start : start + height], bank.to(rows.dtype), bandwidth)
        values, indices = _largest(affinities)
        best.append(values)
        index.append(indices + start)
    chunk = torch.stack(best).argmax(0, keepdim=True)
    return torch.stack(index).gather(0, chunk)[0]


def _largest(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest value (m,) in each column of (n, m), and its row (m,) int64.

    First the block of rows, then the row in it: on a CPU a quarter of the time of `max` with indices.
    """
    blocks = values.split(_BLOCK)
    largest, block = torch.stack([b.amax(0) for b in blocks]).max(0)
    rows = block * _BLOCK + torch.arange(_BLOCK, device=values.device)[:, None]
    inside = values.gather(0, rows.clamp_max(len(values) - 1))
    return largest, rows.gather(0, inside.argmax(0, keepdim=True))[0].clamp_max(len(values) - 1)


class _Cosines(torch.autograd.Function):
    """R Bᵀ in at least float32 for rows R and constants B; only the gradient is multiplied in the rows' precision."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, bank: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(bank)
        ctx.dtype = rows.dtype
        return precise(rows) @ precise(bank).T

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (bank,) = ctx.saved_tensors
        return grads[0].to(ctx.dtype) @ bank.to(ctx.dtype), None


@final
class ContextualLoss(Loss):
    """The contextual distance of a view to a style, summed over layers.

    With "relative" it is divided by log m, for m features of the style, which it would be if none were found: so it is
    from 0 to 1. "gatys" and "mean": as in the paper.

    NNFM lets each place of the view take what it likes best; here each feature of the style must be found somewhere.
    Neither positions nor lengths of features count.
    """

    def __init__(
        self,
        style: Mapping[str, Features],
        bandwidth: float = 0.5,
        positions: int = 2048,
        style_positions: int = 1024,
        normalise: Normalise = "relative",
    ) -> None:
        """Bind the style's features, layer to (c, h, w), of which `style_positions` are drawn once.

        Of larger views, that many `positions` are drawn each step. Features are centred on the style's mean.
        """
        super().__init__()
        check_normalise(normalise)
        if not bandwidth > 0:
            raise ConfigError(f"bandwidth is {bandwidth}: expected a number above 0")
        for name, value in (("positions", positions), ("style_positions", style_positions)):
            if value < 1:
                raise ConfigError(f"{name} is {value}: expected a number of 1 or more")
        self.layers = tuple(style)
        self.bandwidth, self.positions = bandwidth, positions
        self.normalise: Normalise = normalise
        self.means = {k: precise(f.detach()).mean((1, 2)) for k, f in style.items()}
        generator = torch.Generator().manual_seed(0)
        self.banks = {}
        for layer, features in style.items():
            drawn = sampled_positions(features, None, style_positions, generator)
            self.banks[layer] = self._directions(layer, rows_at(features.detach(), drawn))

    def forward(self, observation: Observation) -> torch.Tensor:
        """The sum over layers, a scalar; layers in which nothing is covered count 0."""
        losses = []
        for layer, bank in self.banks.items():
            features = observation.features[layer]
            drawn = sampled_positions(
                features, observation.mask(layer), self.positions, observation.generator()
            )
            rows = self._directions(layer, rows_at(features, drawn))
            unit = math.log(max(len(bank), 2)) if self.normalise == "relative" else 1.0
            losses.append(contextual_loss(rows, bank, self.bandwidth) / unit)
        return torch.stack(losses).sum()

    def _directions(self, layer: str, rows: torch.Tensor) -> torch.Tensor:
        """Unit vectors (n, c) from the style's mean, in the features' precision."""
        return F.normalize(precise(rows) - self.means[layer], dim=1).to(rows.dtype)


def _make(inputs: LossInputs) -> Loss:
    return ContextualLoss(inputs.styles(inputs.layers), **inputs.options, normalise=inputs.normalise)


register_loss(
    "contextual",
    _make,
    ("relu3_1", "relu4_1"),
    {"bandwidth": 0.5, "positions": 2048, "style_positions": 1024},
    bounds={
        "bandwidth": Within(0, above=True),
        "positions": Within(1, 65536),
        "style_positions": Within(1, 16384),
    },
)
