"""NNFM whose style neighbours agree between views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch

from nst3d.bounds import Within
from nst3d.losses.base import Loss
from nst3d.losses.nnfm import NNFMLoss, Search
from nst3d.losses.observation import Observation
from nst3d.losses.partner import Correspondence, FindPartner, Partner
from nst3d.losses.registry import LossInputs, register_loss


def agree(
    choices: torch.Tensor, partner_choices: torch.Tensor, correspondence: Correspondence
) -> torch.Tensor:
    """The choices (h, w), replaced by the partner's (h', w') where both views see and cover the point.

    Both then pull the point towards the same style feature. Positions at -1 in either view are unchanged.
    """
    height, width = partner_choices.shape
    theirs = partner_choices.reshape(-1)[correspondence.index(height, width)]
    return torch.where(correspondence.valid & (theirs >= 0) & (choices >= 0), theirs, choices)


@final
class AgreeingNNFMLoss(Loss):
    """NNFM that adopts a partner view's style neighbours where both see the surface."""

    def __init__(
        self,
        nnfm: NNFMLoss,
        find_partner: FindPartner,
        tolerance: float = 0.05,
        name: str = "nnfm",
    ) -> None:
        """Bind the loss, the partner look-up, and the `name` under which its choices are stored.

        A partner's choice is adopted if its cosine is at most `tolerance` below that of the view's own
        choice. A stroke looks different from another side, and a neighbour that no longer fits would only
        blur it.
        """
        super().__init__()
        self.layers = nnfm.layers
        self.nnfm = nnfm
        self.find_partner = find_partner
        self.tolerance = tolerance
        self.name = name

    def forward(self, observation: Observation) -> torch.Tensor:
        """The NNFM loss with the agreed neighbours, a scalar; it stores them in the observation's choices."""
        choices = self.nnfm.match(observation)
        partner = self.find_partner(observation.view)
        if partner is not None:
            choices = self._agreed(observation, choices, partner)
        observation.choices.update({self._kept(key): choice for key, choice in choices.items()})
        return self.nnfm.loss_for(observation, choices)

    def _agreed(
        self, observation: Observation, own: Mapping[str, torch.Tensor], partner: Partner
    ) -> dict[str, torch.Tensor]:
        theirs = {
            key: agree(choice, partner.choices[self._kept(key)], partner.correspondences[key])
            for key, choice in own.items()
            if self._kept(key) in partner.choices  # the loss may have had no weight when the partner was seen
        }
        if not theirs:
            return dict(own)
        fits, best = (self.nnfm.similarity(observation, c) for c in (theirs, own))
        return {
            key: torch.where(fits[key] >= best[key] - self.tolerance, theirs[key], own[key]) for key in own
        }

    def _kept(self, group: str) -> str:
        return f"{self.name}/{group}"


def _make(inputs: LossInputs) -> Loss:
    options = inputs.options
    search = Search(options["style_positions"], concatenate=options["concatenate"])
    loss = NNFMLoss(inputs.styles(inputs.layers), search)
    if options["agree"] <= 0:
        return loss
    find = inputs.partners({key: group[0] for key, group in loss.groups.items()})
    return loss if find is None else AgreeingNNFMLoss(loss, find, options["agree"], inputs.name)


register_loss(
    "nnfm",
    _make,
    ("relu3_1", "relu4_1"),
    {"style_positions": 2048, "concatenate": False, "agree": 0.05},
    bounds={"style_positions": Within(1, 1 << 20)},
)
