"""Guides that compare a shape's grey renders with the lightness of styles, and with their words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch

from nst3d.features.encoder import Encoder
from nst3d.images.colour import LUMA
from nst3d.losses.registry import LOSSES
from nst3d.pipeline.kinds.mesh.shape_views import BACKGROUND, ShapeViews
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.guide import Guide
from nst3d.stylize.guides import GUIDES
from nst3d.stylize.loaded import Loaded
from nst3d.stylize.recipe import Recipe, read_terms
from nst3d.stylize.schedule import Stage
from nst3d.stylize.shape.options import DisplaceOptions
from nst3d.stylize.stage_guide import StageInputs, build_guide, with_words
from nst3d.stylize.style import Style, opaque
from nst3d.stylize.terms import Term
from nst3d.tensors import Image, Mask, to_image

_CONTRAST = 1.5
"""The style's contrast, in units of the shape's own shading contrast."""
_ALONE: dict[str, dict[str, Any]] = {"nnfm": {"agree": 0.0}}


class ShapeGuides:
    """Guides that compare grey renders with the styles' lightness, and with their words (Text2Mesh)."""

    def __init__(
        self, styles: Sequence[Style], encoder: Encoder, config: PaintConfig, views: ShapeViews
    ) -> None:
        self._styles, self._encoder, self._config, self._views = styles, encoder, config, views
        self._loaded = Loaded()

    def guide(self, stage: Stage) -> Guide:
        """The guide of a stage, once the views are at its scale."""
        recipe, views = self._config.recipe, self._views
        long = round(stage.size * recipe.style_scale / recipe.reduce)
        contrast = self._contrast()
        styles = [
            Style(
                (_lightness(to_image(picture), opacity, contrast),),
                style.name,
                style.weight,
                opacities=(opacity,),
            )
            for style in self._styles
            for picture, opacity in zip(style.at(long), style.opacities_at(long))
        ]
        styles += [
            Style((), style.name, style.weight, text=style.text, avoid=style.avoid, heard=style.heard)
            for style in self._styles
            if style.followed
        ]
        background = torch.full((3,), BACKGROUND, device=views.device)
        viewing = Viewing(background, reduce=recipe.reduce, moving=True)
        budget = self._config.cache_gb * 1e9 / 4
        coat = Coat(styles)
        inputs = StageInputs([coat], views.scene(), stage.size, viewing, budget, loaded=self._loaded)
        worded = dataclasses.replace(recipe, terms=tuple(with_words(recipe.terms, coat)))
        return build_guide(shape_recipe(worded, self._config.displace), self._encoder, inputs)

    def _contrast(self) -> tuple[float, float]:
        """Mean and deviation of the initial shape's first views."""
        seen = []
        for view in range(min(4, self._views.num_views)):
            image, coverage = self._views.start(view)
            seen.append(image[0][coverage > 0])
        values = torch.cat(seen)
        return float(values.mean()), float(values.std())


def shape_recipe(recipe: Recipe, options: DisplaceOptions) -> Recipe:
    """The recipe for shape: what follows styles, scaled, and `content`, but no agreement, as views share the shape."""
    style = [
        {**term.plain(), "weight": term.weight * options.style}
        for term in recipe.terms
        if _reads_words(term) or (term.name in LOSSES and LOSSES.get(term.name).aim == "style")
    ]
    content = [term.plain() for term in recipe.terms if term.name == "content"][:1] or [{"name": "content"}]
    terms = [{**content[0], "weight": options.content}, *style]
    terms = [t | {"options": {**t.get("options", {}), **_ALONE.get(t["name"], {})}} for t in terms]
    return dataclasses.replace(recipe, terms=read_terms((), terms, "displace"))


def _reads_words(term: Term) -> bool:
    return term.name in GUIDES and GUIDES.get(term.name).reads_words


def _lightness(style: Image, opacity: Mask | None, contrast: tuple[float, float]) -> Image:
    """A style's luma as a grey picture (h, w, 3), in the tonal range of a lit grey shape."""
    luma = style @ style.new_tensor(LUMA)
    counted = luma if opacity is None else luma[opaque(opacity) > 0]
    mean, deviation = contrast
    tones = (luma - counted.mean()) / counted.std().clamp_min(1e-6) * deviation * _CONTRAST + mean
    return Image(tones.clamp(0, 1)[..., None].expand(-1, -1, 3))
