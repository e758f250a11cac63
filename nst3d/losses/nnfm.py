"""Nearest-neighbour feature matching: Zhang et al. 2022, "ARF: Artistic Radiance Fields"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, precise
from nst3d.losses.observation import Observation
from nst3d.losses.rows import covered_positions, covered_rows
from nst3d.tensors import Mask, Planes

_EPSILON = 1e-8  # shorter feature vectors have no direction


def style_bank(
    features: Planes, max_positions: int | None = None, generator: torch.Generator | None = None
) -> torch.Tensor:
    """The directions (n, c) of a style's feature vectors (c, h, w): what `nearest` searches.

    With `max_positions` that many of them, drawn by `generator` (a CPU one; None: seed 0), in scan order.
    Vectors of length 0 are left out.
    """
    rows = covered_rows(features.detach())
    rows = rows[precise(rows).norm(dim=1) > _EPSILON]
    if max_positions is not None and len(rows) > max_positions:
        generator = generator or torch.Generator().manual_seed(0)
        drawn = torch.randperm(len(rows), generator=generator)[:max_positions].sort().values
        rows = rows[drawn.to(rows.device)]
    if len(rows) == 0:
        raise ConfigError("the style image has no features at this layer: it is too small or all one colour")
    return F.normalize(precise(rows), dim=1).to(features.dtype)


@torch.no_grad()
def nearest(rows: torch.Tensor, bank: torch.Tensor, chunk_bytes: int = 32 << 20) -> torch.Tensor:
    """The index (k,) int64 of the direction in `bank` (n, c) that is closest to each vector of `rows` (k, c).

    Close is a high cosine (ARF, eq. 2). The table of cosines is made in parts of at most `chunk_bytes`.
    """
    height = max(1, chunk_bytes // (bank.shape[0] * bank.element_size()))
    # argmax is six times slower than max on a CPU in half precision, and finds the same index.
    found = [(part @ bank.T).max(dim=1).indices for part in rows.split(height)]
    return torch.cat(found) if found else rows.new_empty(0, dtype=torch.int64)


def nnfm_loss(rows: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """The mean over rows of 1 - cos(row, chosen), for features (k, c) and unit vectors (k, c) to be matched.

    ARF, eq. 2, given the minimum's position. A scalar, at least float32; 0 without rows.
    """
    exact = precise(rows)
    length = exact.norm(dim=1).clamp_min(_EPSILON)
    cosine = (exact * precise(chosen)).sum(1) / length
    return (1 - cosine).sum() / max(len(rows), 1)


@dataclass(frozen=True)
class Search:
    """How neighbours are searched."""

    max_style_positions: int | None = 2048
    """Style positions kept for each layer, drawn at random; None keeps all. Time grows with it."""
    chunk_bytes: int = 32 << 20
    """Largest part of the table of cosines held at a time, bytes."""
    concatenate: bool = False
    """Match the layers of one block together, their channels side by side, as ARF does with conv3."""
    seed: int = 0
    """Of the draw of style positions."""


@final
class NNFMLoss(Loss):
    """The cosine distance of every covered position to the style's nearest feature, summed over layers."""

    def __init__(
        self,
        style: Mapping[str, Planes],
        search: Search | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """Bind the style's features, layer to (c, h, w).

        `weights` are by layer, or by group where layers are concatenated ("relu3_1+relu3_3"); default 1.
        """
        super().__init__()
        self.search = search or Search()
        self.layers = tuple(style)
        self.groups = group_layers(self.layers, self.search.concatenate)
        self.weights = {key: (1.0 if weights is None else weights[key]) for key in self.groups}
        generator = torch.Generator().manual_seed(self.search.seed)
        self.banks = {
            key: style_bank(_together(style, group), self.search.max_style_positions, generator)
            for key, group in self.groups.items()
        }

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss with each position's own nearest neighbour, a scalar."""
        return self.loss_for(observation, self.match(observation))

    @torch.no_grad()
    def match(self, observation: Observation) -> dict[str, torch.Tensor]:
        """Group to (h, w) int64: the bank's row that each position is nearest to, -1 where not covered."""
        choices = {}
        for key, group in self.groups.items():
            features, mask = _together(observation.features, group), observation.mask(group[0])
            rows = covered_rows(features, mask)
            found = nearest(rows.to(self.banks[key].dtype), self.banks[key], self.search.chunk_bytes)
            choices[key] = _spread(found, features.shape[1:], mask)
        return choices

    @torch.no_grad()
    def similarity(
        self, observation: Observation, choices: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Group to (h, w) float: the cosine of each position and its choice, 0 where that is -1."""
        cosines = {}
        for key, group in self.groups.items():
            chosen = choices[key]
            rows = precise(covered_rows(_together(observation.features, group), chosen >= 0))
            wanted = precise(self.banks[key].index_select(0, chosen[chosen >= 0]))
            cosine = (rows * wanted).sum(1) / rows.norm(dim=1).clamp_min(_EPSILON)
            cosines[key] = cosine.new_zeros(chosen.shape).masked_scatter(chosen >= 0, cosine)
        return cosines

    def loss_for(self, observation: Observation, choices: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The loss with given neighbours, as `match` makes them; positions at -1 do not count."""
        losses = []
        for key, group in self.groups.items():
            chosen = choices[key]
            rows = covered_rows(_together(observation.features, group), chosen >= 0)
            bank = self.banks[key]
            loss = nnfm_loss(rows, bank.index_select(0, chosen[chosen >= 0]))
            losses.append(self.weights[key] * loss)
        return torch.stack(losses).sum()


def group_layers(layers: Sequence[str], concatenate: bool) -> dict[str, tuple[str, ...]]:
    """Layers to match together, by a name such as "relu3_1+relu3_3": each alone, or those of one block."""
    if not concatenate:
        return {layer: (layer,) for layer in layers}
    blocks: dict[str, list[str]] = {}
    for layer in layers:
        blocks.setdefault(layer.split("_")[0], []).append(layer)
    return {"+".join(group): tuple(group) for group in blocks.values()}


def _together(features: Mapping[str, Planes], group: tuple[str, ...]) -> Planes:
    return features[group[0]] if len(group) == 1 else torch.cat([features[layer] for layer in group])


def _spread(found: torch.Tensor, size: torch.Size, mask: Mask | None) -> torch.Tensor:
    if mask is None:
        return found.reshape(size)
    choices = found.new_full((mask.numel(),), -1)
    choices[covered_positions(mask)] = found
    return choices.reshape(size)
