"""View consistency: two views that see the same surface point should pull it the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, final

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, precise
from nst3d.losses.nnfm import NNFMLoss
from nst3d.losses.observation import Observation
from nst3d.losses.rows import covered_rows
from nst3d.tensors import Planes

Measure = Literal["cosine", "relative"]


@dataclass(frozen=True)
class Correspondence:
    """Geometric correspondence from each position of one view's layer to a partner's."""

    grid: torch.Tensor
    """(h, w, 2) float: x, y in the partner's image, from -1 to 1 between its outer edges."""
    valid: torch.Tensor
    """(h, w) bool: both views see the point unoccluded."""

    def at(self, features: Planes) -> Planes:
        """The partner's features (c, h', w') sampled bilinearly at this view's positions, (c, h, w)."""
        grid = self.grid.to(precise(features))[None]
        warped = F.grid_sample(
            precise(features)[None], grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return warped[0]

    def index(self, height: int, width: int) -> torch.Tensor:
        """Flat index (h, w) int64 of the nearest position in a partner of that size."""
        x = ((self.grid[..., 0] + 1) / 2 * width).floor().long().clamp(0, width - 1)
        y = ((self.grid[..., 1] + 1) / 2 * height).floor().long().clamp(0, height - 1)
        return y * width + x


@dataclass(frozen=True)
class Partner:
    """Another view's last state, and the correspondences to it."""

    correspondences: Mapping[str, Correspondence]
    """Layer (or group of layers, for choices) to the correspondence at its size."""
    features: Mapping[str, Planes] = field(default_factory=dict)
    """Layer to (c, h', w'), without gradient."""
    choices: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """Group of layers to (h', w') int64, as returned by `NNFMLoss.match`."""


FindPartner = Callable[[int], "Partner | None"]
"""Maps a view to the partner it is compared with, or None if there is none (yet)."""


def consistency_loss(
    features: Planes, partner: Planes, correspondence: Correspondence, measure: Measure = "cosine"
) -> torch.Tensor:
    """The distance of the features (c, h, w) from the partner's (c, h', w') at points that both see.

    "cosine": the mean of 1 - cos. "relative": Σ (F - P)² / Σ P². The partner gets no gradient. Returns a
    scalar, at least float32; 0 without a common point.
    """
    mine = precise(covered_rows(features, correspondence.valid))
    theirs = covered_rows(correspondence.at(partner.detach()), correspondence.valid)
    if measure == "cosine":
        return (1 - F.cosine_similarity(mine, theirs, dim=1)).sum() / max(len(mine), 1)
    return (mine - theirs).square().sum() / theirs.square().sum().clamp_min(torch.finfo(theirs.dtype).tiny)


def agree(
    choices: torch.Tensor, partner_choices: torch.Tensor, correspondence: Correspondence
) -> torch.Tensor:
    """The choices (h, w), replaced by the partner's (h', w') where both views see and cover the point.

    Both then pull it towards the same style feature. Positions at -1 in either view are unchanged.
    """
    height, width = partner_choices.shape
    theirs = partner_choices.reshape(-1)[correspondence.index(height, width)]
    return torch.where(correspondence.valid & (theirs >= 0) & (choices >= 0), theirs, choices)


@final
class ConsistencyLoss(Loss):
    """The distance between two views' features at common surface points, averaged over layers."""

    def __init__(
        self, layers: tuple[str, ...], find_partner: FindPartner, measure: Measure = "cosine"
    ) -> None:
        """Bind the layers to compare and the lookup of partners."""
        super().__init__()
        if measure not in ("cosine", "relative"):
            raise ConfigError(f"measure {measure!r} is not known: choose cosine or relative")
        self.layers = layers
        self.find_partner = find_partner
        self.measure: Measure = measure

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar; 0 if the view has no partner."""
        partner = self.find_partner(observation.view)
        losses = [
            precise(observation.features[layer][:, :0]).sum()
            if partner is None
            else consistency_loss(
                observation.features[layer],
                partner.features[layer],
                partner.correspondences[layer],
                self.measure,
            )
            for layer in self.layers
        ]
        return torch.stack(losses).mean()


@final
class AgreeingNNFMLoss(Loss):
    """NNFM that adopts a partner view's neighbours where both see the surface."""

    def __init__(
        self,
        nnfm: NNFMLoss,
        find_partner: FindPartner,
        remember: Callable[[int, Mapping[str, torch.Tensor]], None],
        tolerance: float = 0.05,
    ) -> None:
        """Bind the loss, the lookup of partners, and a callback that stores (view, choices).

        A partner's choice is adopted if its cosine is at most `tolerance` below that of the view's own
        choice. From another side a stroke looks different, and a neighbour that no longer fits would only
        blur it.
        """
        super().__init__()
        self.layers = nnfm.layers
        self.nnfm = nnfm
        self.find_partner = find_partner
        self.remember = remember
        self.tolerance = tolerance

    def forward(self, observation: Observation) -> torch.Tensor:
        """The NNFM loss with the agreed neighbours, a scalar."""
        choices = self.nnfm.match(observation)
        partner = self.find_partner(observation.view)
        if partner is not None:
            choices = self._agreed(observation, choices, partner)
        self.remember(observation.view, choices)
        return self.nnfm.loss_for(observation, choices)

    def _agreed(
        self, observation: Observation, own: Mapping[str, torch.Tensor], partner: Partner
    ) -> dict[str, torch.Tensor]:
        theirs = {
            key: agree(choice, partner.choices[key], partner.correspondences[key])
            for key, choice in own.items()
        }
        fits, best = (self.nnfm.similarity(observation, c) for c in (theirs, own))
        return {
            key: torch.where(fits[key] >= best[key] - self.tolerance, theirs[key], own[key]) for key in own
        }
