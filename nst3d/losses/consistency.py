"""View consistency: two views that see the same surface point should pull it the same way."""

from __future__ import annotations

from typing import Literal, final

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, precise
from nst3d.losses.observation import Observation
from nst3d.losses.partner import Correspondence, FindPartner
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import covered_rows
from nst3d.tensors import Features

Measure = Literal["cosine", "relative"]


def consistency_loss(
    features: Features, partner: Features, correspondence: Correspondence, measure: Measure = "cosine"
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
        """The loss, a scalar; 0 if the view has no partner. It is that of the whole view, in whatever region."""
        return observation.once(
            ("consistency", self.layers, self.measure), lambda: self._of_whole(observation)
        )

    def _of_whole(self, observation: Observation) -> torch.Tensor:
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


def _make(inputs: LossInputs) -> Loss | None:
    find = inputs.partners({layer: layer for layer in inputs.layers}, inputs.layers)
    return None if find is None else ConsistencyLoss(inputs.layers, find, inputs.options["measure"])


register_loss("consistency", _make, ("relu3_1",), {"measure": "cosine"}, aim="views")
