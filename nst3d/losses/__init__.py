"""Losses, one per file: a pure function, and a thin module that binds its target."""

from nst3d.losses.base import Loss
from nst3d.losses.combinators import WeightedSum
from nst3d.losses.consistency import AgreeingNNFMLoss, ConsistencyLoss, Correspondence, Partner
from nst3d.losses.content import ContentLoss
from nst3d.losses.gram import GramLoss, mean_gram
from nst3d.losses.moments import MomentsLoss, moments
from nst3d.losses.nnfm import NNFMLoss, Search
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.total_variation import TotalVariationLoss, texture_variation

__all__ = [
    "IMAGE",
    "AgreeingNNFMLoss",
    "ConsistencyLoss",
    "ContentLoss",
    "Correspondence",
    "GramLoss",
    "Loss",
    "MomentsLoss",
    "NNFMLoss",
    "Observation",
    "Partner",
    "Search",
    "TotalVariationLoss",
    "WeightedSum",
    "mean_gram",
    "moments",
    "texture_variation",
]
