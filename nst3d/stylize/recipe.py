"""A recipe: which losses, at which layers, with which weights; and the criterion that follows from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F

from nst3d.features.vgg import VGG
from nst3d.losses.base import Loss
from nst3d.losses.combinators import WeightedSum
from nst3d.losses.consistency import AgreeingNNFMLoss, ConsistencyLoss
from nst3d.losses.content import ContentLoss
from nst3d.losses.gram import GramLoss, mean_gram
from nst3d.losses.moments import MomentsLoss, moments
from nst3d.losses.nnfm import NNFMLoss, Search, group_layers
from nst3d.losses.observation import IMAGE
from nst3d.losses.total_variation import TotalVariationLoss
from nst3d.stylize.agreement import ViewMemory
from nst3d.stylize.criterion import Criterion, Viewing
from nst3d.stylize.kept import Kept
from nst3d.tensors import Planes

Layers = tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """Losses and their weights. A weight of 0 switches a loss off."""

    encoder: str = "vgg19"
    """Whose features are compared: a name that `nst3d weights` lists."""
    pooling: Literal["max", "avg"] = "max"
    """Pooling of the encoder; avg is smoother (Gatys)."""
    fallback_encoder: str | None = None
    """Taken instead where the encoder's weights are not there."""
    normalise: Literal["relative", "gatys", "mean"] = "relative"
    """relative: each loss as a share of its target's own size; gatys: as in the paper; mean: mean
    squares, of content over all layers and in the units of an encoder of standardised images (ARF)."""
    content: float = 0.15
    """Weight of keeping what is there."""
    content_forward_facing: float | None = None
    """The same for captures whose cameras all look one way (ARF: 1e-3); None: `content` holds for all."""
    content_layers: Layers = ("relu3_1", "relu4_1")
    """Where content is compared."""
    gram: float = 0.5
    """Weight of the style's channel correlations (palette, stroke texture)."""
    gram_layers: Layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    """Where correlations are compared."""
    moments: float = 0.0
    """Weight of the style's channel means and deviations."""
    moments_layers: Layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    """Where means and deviations are compared."""
    nnfm: float = 2.0
    """Weight of the style's nearest features (strokes and motifs)."""
    nnfm_layers: Layers = ("relu3_1", "relu4_1")
    """Where nearest features are searched."""
    nnfm_concatenate: bool = False
    """Match the layers of a block together, as ARF does."""
    style_positions: int | None = 2048
    """Style positions searched a layer; None searches all (slower, ARF)."""
    variation: float = 1.0
    """Weight of the renders' total variation (less noise)."""
    consistency: float = 0.2
    """Weight of views agreeing on what they see at common surface points."""
    consistency_layers: Layers = ("relu3_1",)
    """Where views are compared with each other."""
    agree: float = 0.05
    """Views take over their neighbours' choice of style features at common surface points if its cosine is
    at most this much worse than that of their own; 0 lets each view choose alone."""
    style_scale: float = 1.2
    """Long side of the style image in units of the encoded view's: larger makes larger strokes."""
    reduce: int = 1
    """Renders are averaged over blocks of so many pixels before the encoder (ARF: 2)."""
    palette_before: float = 1.0
    """How far the scene's palette is moved to the style's before painting, 0 to 1."""
    palette_after: float = 0.0
    """And after painting, 0 to 1."""


@dataclass(frozen=True)
class StageInputs:
    """What a stage's criterion is made from."""

    style: tuple[Planes, ...]
    """Style images (3, h, w) at the stage's scale."""
    contents: Callable[[int], Planes]
    """View to the picture (3, h, w) whose content is kept."""
    num_views: int
    """How many views there are: `contents` takes numbers below."""
    viewing: Viewing
    """How renders are looked at."""
    memory: Callable[[Mapping[str, int], Layers], ViewMemory] | None = None
    """Makes the memory that view consistency needs, from strides and layers; None: a single view."""
    budget_bytes: float = math.inf
    """Of content features that are kept; what passes it is encoded again."""


def build_criterion(recipe: Recipe, encoder: VGG, inputs: StageInputs) -> Criterion:
    """The criterion of a stage: style targets computed once, content targets once a view."""
    style = _style_features(recipe, encoder, inputs.style)
    memory = _memory(recipe, encoder, inputs)
    terms: dict[str, tuple[float, Loss]] = {"variation": (recipe.variation, TotalVariationLoss())}
    if recipe.content:
        contents = _Contents(inputs, lambda picture: _encoded(recipe, encoder, inputs.viewing, picture))
        weights = _content_weights(recipe, encoder)
        loss: Loss = ContentLoss(contents, recipe.content_layers, weights, recipe.normalise)
        terms["content"] = (recipe.content, loss)
    if recipe.gram:
        grams = {k: mean_gram(style[k]) for k in recipe.gram_layers}
        terms["gram"] = (recipe.gram, GramLoss(grams, normalise=recipe.normalise))
    if recipe.moments:
        targets = {k: moments(style[k]) for k in recipe.moments_layers}
        terms["moments"] = (recipe.moments, MomentsLoss(targets, normalise=recipe.normalise))
    if recipe.nnfm:
        terms["nnfm"] = (recipe.nnfm, _nnfm(recipe, style, memory))
    if recipe.consistency and memory is not None:
        loss = ConsistencyLoss(recipe.consistency_layers, memory.find_partner)
        terms["consistency"] = (recipe.consistency, loss)
    return Criterion(encoder, WeightedSum(terms), inputs.viewing, None if memory is None else memory.note)


def fitting_criterion(inputs: StageInputs) -> Criterion:
    """The mean squared distance of each view to its content picture; nothing is encoded."""
    pictures = _Contents(inputs, lambda picture: {IMAGE: picture})
    loss = ContentLoss(pictures, (IMAGE,), normalise="mean")
    return Criterion(None, WeightedSum({"fit": (1.0, loss)}), inputs.viewing)


def _style_layers(recipe: Recipe) -> Layers:
    uses = (
        (recipe.gram, recipe.gram_layers),
        (recipe.moments, recipe.moments_layers),
        (recipe.nnfm, recipe.nnfm_layers),
    )
    return tuple(dict.fromkeys(layer for weight, layers in uses if weight for layer in layers))


@torch.no_grad()
def _style_features(recipe: Recipe, encoder: VGG, styles: tuple[Planes, ...]) -> dict[str, Planes]:
    """Layer to features (c, 1, n) of all style images together: their positions, one after the other."""
    layers = _style_layers(recipe)
    encoded = [encoder(style, layers) for style in styles]
    return {k: torch.cat([e[k].flatten(1) for e in encoded], dim=1)[:, None] for k in layers}


class _Contents(Mapping[int, Mapping[str, Planes]]):
    """View to its content by layer, computed when asked for and kept within the budget."""

    def __init__(self, inputs: StageInputs, look: Callable[[Planes], dict[str, Planes]]) -> None:
        self._inputs, self._look = inputs, look
        self._known: Kept[int, dict[str, Planes]] = Kept(inputs.budget_bytes)

    @torch.no_grad()
    def __getitem__(self, view: int) -> Mapping[str, Planes]:
        if view not in self._known:
            self._known[view] = self._look(self._inputs.contents(view))
        return self._known[view]

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return self._inputs.num_views


def _content_weights(recipe: Recipe, encoder: VGG) -> dict[str, float] | None:
    """For mean squares: of all layers together, and as if the encoder took standardised images.

    So a weight means the same for torchvision's weights and the original ones, whose features are some
    sixty times larger.
    """
    if recipe.normalise != "mean":
        return None
    return dict.fromkeys(recipe.content_layers, 1 / (len(recipe.content_layers) * encoder.unit**2))


def _encoded(recipe: Recipe, encoder: VGG, viewing: Viewing, picture: Planes) -> dict[str, Planes]:
    if viewing.reduce > 1:
        picture = F.avg_pool2d(picture[None], viewing.reduce)[0]
    return encoder(picture, recipe.content_layers)


def _nnfm(recipe: Recipe, style: Mapping[str, Planes], memory: ViewMemory | None) -> Loss:
    search = Search(recipe.style_positions, concatenate=recipe.nnfm_concatenate)
    loss = NNFMLoss({k: style[k] for k in recipe.nnfm_layers}, search)
    if memory is None or recipe.agree <= 0:
        return loss
    return AgreeingNNFMLoss(loss, memory.find_partner, memory.note_choices, recipe.agree)


def _memory(recipe: Recipe, encoder: VGG, inputs: StageInputs) -> ViewMemory | None:
    """What views need to agree with each other, or None if the recipe does not ask for it."""
    agree = recipe.nnfm > 0 and recipe.agree > 0
    if inputs.memory is None or not (agree or recipe.consistency):
        return None
    layers = recipe.consistency_layers if recipe.consistency else ()
    strides = {k: encoder.stride(k) * inputs.viewing.reduce for k in layers}
    if agree:
        groups = group_layers(recipe.nnfm_layers, recipe.nnfm_concatenate)
        strides |= {k: encoder.stride(g[0]) * inputs.viewing.reduce for k, g in groups.items()}
    return inputs.memory(strides, layers)
