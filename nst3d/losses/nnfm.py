"""Nearest-neighbour feature matching: Zhang et al. 2022, "ARF: Artistic Radiance Fields"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, precise
from nst3d.losses.observation import Observation
from nst3d.losses.rows import covered_positions, covered_rows
from nst3d.tensors import Features, Mask

_EPSILON = 1e-8  # shorter feature vectors are treated as zero
_LANES = 64


def style_bank(
    features: Features, max_positions: int | None = None, generator: torch.Generator | None = None
) -> torch.Tensor:
    """The directions (n, c) of a style's feature vectors (c, h, w), which `nearest` searches.

    With `max_positions`, at most that many are sampled by `generator` (on the CPU; None: seed 0), in scan
    order. Zero vectors are dropped.
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
    """The index (k,) int64 of the direction in `bank` (n, c) closest to each vector of `rows` (k, c).

    Closest means the largest cosine (ARF, eq. 2). Cosines are computed in chunks of at most `chunk_bytes`.
    """
    if len(rows) == 0:
        return rows.new_empty(0, dtype=torch.int64)
    count = len(bank)
    padded = bank[torch.arange(-(-count // _LANES) * _LANES, device=bank.device) % count]
    height = max(1, chunk_bytes // (len(padded) * bank.element_size()))
    found = [_largest(part @ padded.T) for part in rows.split(height)]
    return torch.cat(found) % count


def _largest(scores: torch.Tensor) -> torch.Tensor:
    """The index of the largest value in each row (k, n), with n a multiple of the lanes.

    First the lane, then the index in it: in half precision on a CPU a third of the time of `max` with
    indices.
    """
    lanes = scores.view(len(scores), -1, _LANES)
    lane = lanes.amax(1).max(1).indices
    entries = lanes.gather(2, lane[:, None, None].expand(-1, lanes.shape[1], 1))[..., 0]
    return entries.max(1).indices * _LANES + lane


def principal_directions(bank: torch.Tensor, count: int) -> torch.Tensor:
    """The orthonormal principal directions (c, count) of vectors (n, c), by uncentred PCA."""
    exact = precise(bank)
    return torch.linalg.eigh(exact.T @ exact).eigenvectors[:, -count:].to(bank.dtype).contiguous()


def nnfm_loss(rows: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """The mean over rows of 1 - cos(row, chosen), for features (k, c) and the unit vectors (k, c) to match.

    This is ARF, eq. 2, for given minima. Returns a scalar, at least float32; 0 without rows. A zero row has
    distance 1 and no gradient.
    """
    loss: torch.Tensor = _CosineDistance.apply(rows, chosen)
    return loss


class _CosineDistance(torch.autograd.Function):
    """The mean of 1 - cos, in the rows' precision except for sums; forward stores what backward needs."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        wide = precise(rows[:0]).dtype
        length = torch.linalg.vector_norm(rows, dim=1, dtype=wide).clamp_min(_EPSILON)
        cosine = (rows * chosen).sum(1, dtype=wide) / length
        ctx.save_for_backward(rows, chosen, length, cosine)
        return (1 - cosine).sum() / max(len(rows), 1)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        rows, chosen, length, cosine = ctx.saved_tensors
        pull = torch.where(length > _EPSILON, grads[0] / (max(len(rows), 1) * length), 0)
        own, other = (pull * cosine / length).to(rows.dtype), pull.to(rows.dtype)
        return torch.addcmul(rows * own[:, None], chosen.to(rows.dtype), other[:, None], value=-1), None


@dataclass(frozen=True)
class Search:
    """Options for the nearest-neighbour search."""

    max_style_positions: int | None = 2048
    """Number of randomly sampled style positions per layer, which time is proportional to; None keeps all."""
    chunk_bytes: int = 32 << 20
    """Maximum size of a chunk of cosines, bytes."""
    concatenate: bool = False
    """Whether to match the layers of one block together, with channels concatenated, like ARF's conv3."""
    seed: int = 0
    """Random seed for sampling style positions."""
    components: int | None = 128
    """Number of principal directions of the style along which vectors with more than twice as many channels
    are compared, in a third of the time; None compares whole vectors. With 128 for the 768 channels of conv3,
    choices are on average within 0.0005 in cosine of the nearest; the loss itself uses whole vectors."""


@final
class NNFMLoss(Loss):
    """The cosine distance of each covered position to the nearest style feature, summed over layers."""

    def __init__(
        self,
        style: Mapping[str, Features],
        search: Search | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """Bind the style's features, layer to (c, h, w).

        `weights` are per layer, or per group if layers are concatenated ("relu3_1+relu3_3"); default 1.
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
        self._shortened = {key: _shortened(bank, self.search.components) for key, bank in self.banks.items()}

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss with each position's nearest neighbour, a scalar."""
        losses = []
        for key, group in self.groups.items():
            rows = covered_rows(_seen(observation, group), observation.mask(group[0]))
            losses.append(self.distance(key, rows, self.choose(key, rows.detach())))
        return torch.stack(losses).sum()

    @torch.no_grad()
    def match(self, observation: Observation) -> dict[str, torch.Tensor]:
        """Group to (h, w) int64: row of the bank nearest to each position, -1 where not covered."""
        choices = {}
        for key, group in self.groups.items():
            features, mask = _seen(observation, group), observation.mask(group[0])
            found = self.choose(key, covered_rows(features, mask))
            choices[key] = _spread(found, features.shape[1:], mask)
        return choices

    @torch.no_grad()
    def similarity(
        self, observation: Observation, choices: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Group to (h, w) float: cosine of each position and its choice, 0 where the choice is -1."""
        cosines = {}
        for key, group in self.groups.items():
            chosen = choices[key]
            rows = precise(covered_rows(_seen(observation, group), chosen >= 0))
            wanted = precise(self.banks[key].index_select(0, chosen[chosen >= 0]))
            cosine = (rows * wanted).sum(1) / rows.norm(dim=1).clamp_min(_EPSILON)
            cosines[key] = cosine.new_zeros(chosen.shape).masked_scatter(chosen >= 0, cosine)
        return cosines

    def loss_for(self, observation: Observation, choices: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The loss with given neighbours, as returned by `match`; positions at -1 do not count."""
        losses = []
        for key, group in self.groups.items():
            chosen = choices[key]
            rows = covered_rows(_seen(observation, group), chosen >= 0)
            losses.append(self.distance(key, rows, chosen[chosen >= 0]))
        return torch.stack(losses).sum()

    @torch.no_grad()
    def choose(self, key: str, rows: torch.Tensor, centred: bool = False) -> torch.Tensor:
        """The row (k,) of a group's bank nearest to each vector (k, c), or to what that differs from their mean by."""
        directions, bank = self._shortened[key]
        rows = rows.to(bank.dtype)
        if directions is not None:
            rows = rows @ directions
        if centred:
            mean = rows.sum(0, dtype=precise(rows[:0]).dtype) / max(len(rows), 1)
            rows = rows - mean.to(rows.dtype)
        return nearest(rows, bank, self.search.chunk_bytes)

    def distance(self, key: str, rows: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """The loss, a scalar, of a group's vectors (k, c) for the rows (k,) of its bank that were chosen for them."""
        return self.weights[key] * nnfm_loss(rows, self.banks[key].index_select(0, chosen))


def group_layers(layers: Sequence[str], concatenate: bool) -> dict[str, tuple[str, ...]]:
    """Groups of layers to match, by name, such as "relu3_1+relu3_3": single layers, or those of one block."""
    if not concatenate:
        return {layer: (layer,) for layer in layers}
    blocks: dict[str, list[str]] = {}
    for layer in layers:
        blocks.setdefault(layer.split("_")[0], []).append(layer)
    return {"+".join(group): tuple(group) for group in blocks.values()}


def _shortened(bank: torch.Tensor, components: int | None) -> tuple[torch.Tensor | None, torch.Tensor]:
    """Directions (c, k) and the projected bank (n, k); None and the whole bank if that would save little."""
    if components is None or bank.shape[1] <= 2 * components:
        return None, bank
    directions = principal_directions(bank, components)
    return directions, bank @ directions


def _seen(observation: Observation, group: tuple[str, ...]) -> Features:
    """`_together` of an observation, once for all regions and uses."""

    def joined() -> Features:
        with torch.enable_grad():  # may be asked for first by a search, which needs no gradient
            return _together(observation.features, group)

    return observation.once(("together", *group), joined)


def _together(features: Mapping[str, Features], group: tuple[str, ...]) -> Features:
    """The layers' channels concatenated, contiguous in memory for each position."""
    if len(group) == 1:
        return features[group[0]]
    return torch.cat([features[layer].permute(1, 2, 0) for layer in group], dim=2).permute(2, 0, 1)


def _spread(found: torch.Tensor, size: torch.Size, mask: Mask | None) -> torch.Tensor:
    if mask is None:
        return found.reshape(size)
    choices = found.new_full((mask.numel(),), -1)
    choices[covered_positions(mask)] = found
    return choices.reshape(size)
