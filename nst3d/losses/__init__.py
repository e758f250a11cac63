"""Losses, one per file: a pure function, and a thin module that binds its target."""

from nst3d.losses.agreement import AgreeingNNFMLoss
from nst3d.losses.base import Loss
from nst3d.losses.consistency import ConsistencyLoss
from nst3d.losses.content import ContentLoss
from nst3d.losses.excess import ExcessLoss
from nst3d.losses.grain import GrainLoss
from nst3d.losses.gram import GramLoss, mean_gram
from nst3d.losses.moments import MomentsLoss, moments
from nst3d.losses.nnfm import NNFMLoss, Search
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.partner import Correspondence, Partner
from nst3d.losses.registry import LOSSES, LossInputs, LossKind, register_loss
from nst3d.losses.total_variation import TotalVariationLoss, texture_variation

__all__ = [
    "IMAGE",
    "LOSSES",
    "AgreeingNNFMLoss",
    "ConsistencyLoss",
    "ContentLoss",
    "Correspondence",
    "ExcessLoss",
    "GrainLoss",
    "GramLoss",
    "Loss",
    "LossInputs",
    "LossKind",
    "MomentsLoss",
    "NNFMLoss",
    "Observation",
    "Partner",
    "Search",
    "TotalVariationLoss",
    "mean_gram",
    "moments",
    "register_loss",
    "texture_variation",
]
