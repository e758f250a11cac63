"""Losses, one per file: a pure function, and a thin module that binds its target."""

from nst3d.losses.agreement import AgreeingNNFMLoss
from nst3d.losses.base import Loss
from nst3d.losses.consistency import ConsistencyLoss
from nst3d.losses.content import ContentLoss
from nst3d.losses.contextual import ContextualLoss
from nst3d.losses.covariance import CovarianceLoss
from nst3d.losses.depth import DepthLoss
from nst3d.losses.edges import EdgesLoss
from nst3d.losses.excess import ExcessLoss
from nst3d.losses.grain import GrainLoss
from nst3d.losses.gram import GramLoss, mean_gram
from nst3d.losses.histogram import HistogramLoss
from nst3d.losses.hypercolumn import HypercolumnLoss
from nst3d.losses.laplacian import LaplacianLoss
from nst3d.losses.moments import MomentsLoss, moments
from nst3d.losses.nnfm import NNFMLoss, Search
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.partner import Correspondence, Partner
from nst3d.losses.registry import LOSSES, LossInputs, LossKind, register_loss
from nst3d.losses.self_similarity import SelfSimilarityLoss
from nst3d.losses.sliced import SlicedLoss
from nst3d.losses.total_variation import TotalVariationLoss, texture_variation

__all__ = [
    "IMAGE",
    "LOSSES",
    "AgreeingNNFMLoss",
    "ConsistencyLoss",
    "ContentLoss",
    "ContextualLoss",
    "Correspondence",
    "CovarianceLoss",
    "DepthLoss",
    "EdgesLoss",
    "ExcessLoss",
    "GrainLoss",
    "GramLoss",
    "HistogramLoss",
    "HypercolumnLoss",
    "LaplacianLoss",
    "Loss",
    "LossInputs",
    "LossKind",
    "MomentsLoss",
    "NNFMLoss",
    "Observation",
    "Partner",
    "Search",
    "SelfSimilarityLoss",
    "SlicedLoss",
    "TotalVariationLoss",
    "mean_gram",
    "moments",
    "register_loss",
    "texture_variation",
]
