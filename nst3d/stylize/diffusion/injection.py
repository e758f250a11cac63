"""Keys and values of a style's picture in place of a view's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch

from nst3d.stylize.diffusion.attention import Heads, Layer, Rule, seen


@dataclass(frozen=True)
class Injecting:
    """How far, and where, a style's keys and values replace a view's."""

    share: float
    """From 0, the view's own, to 1, the style's."""
    query: float
    """γ: share of the queries of what the view showed before painting."""
    sharpness: float
    """τ: a factor on the likeness of queries and keys."""


@final
class Injection(Rule):
    """Self-attention of a view's queries to the keys and values of a style's pictures, in some layers.

    Style injection of Chung, Hyun & Heo 2024, "Style injection in diffusion": with Q̃ = γ Qᶜ + (1 − γ) Q, a layer finds
    softmax(τ Q̃ Kˢᵀ / √c) Vˢ. The style's keys and values are those of its picture, inverted, at the same step and
    without words. Other than in the paper, the picture's latents are kept at each step, and its keys and values are
    found anew from these, so that those of one step are in memory; the content's queries Qᶜ are those of its latents
    with the noise of the surface, from which views begin, and not of an inversion; words count beside it, with
    classifier-free guidance, and both of its predictions attend to the style; several pictures are seen by their
    weights; and `share` stays between a view's own keys and values and the style's.
    """

    def __init__(self, injecting: Injecting, layers: Sequence[Layer], weights: Sequence[float]) -> None:
        """In these layers; `weights` of the style's pictures."""
        self.styles: Sequence[Mapping[str, Heads]] = ()
        """What these layers had in the passes of the style's pictures, at the step that is taken now."""
        self.content: Mapping[str, Heads] = {}
        """The same of what the view showed before painting."""
        self.injecting = injecting
        self._names, self._weights = {layer.name for layer in layers}, weights

    def inside(self, layer: Layer) -> bool:
        """Whether keys and values are replaced in a layer."""
        return layer.name in self._names

    def attended(self, layer: Layer, heads: Heads, found: torch.Tensor) -> torch.Tensor:
        """What the view's queries find in the style."""
        own = self.injecting
        if not self.inside(layer) or not self.styles:
            return found
        query = heads.query
        if self.content:
            query = torch.lerp(query, self.content[layer.name].query.to(query).expand_as(query), own.query)
        others = [each[layer.name] for each in self.styles]
        return torch.lerp(found, seen(query, others, self._weights, own.sharpness), own.share)


def last_layers(layers: Sequence[Layer], count: int) -> list[Layer]:
    """The last `count` self-attention layers of the U-net's second half, or all of fewer."""
    return [layer for layer in layers if layer.decodes and not layer.crossed][-count:]
