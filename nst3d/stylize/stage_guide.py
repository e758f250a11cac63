"""Makes the guide of a stage from a recipe: style targets once, content targets once per view."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.losses.content import ContentLoss
from nst3d.losses.observation import IMAGE
from nst3d.losses.registry import LOSSES, LossInputs
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import FeatureGuide, Viewing, WeightedLoss
from nst3d.stylize.guide import Guide, GuideSum, Weighted
from nst3d.stylize.guides import FEATURES, GUIDES, GuideInputs
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.stage_targets import Contents, SceneTargets, Seen, StyleTargets
from nst3d.stylize.terms import Term


@dataclass(frozen=True)
class StageInputs:
    """The inputs for a stage's guide."""

    coats: Sequence[Coat]
    """What paints the regions; all have styles."""
    scene: StageScene
    """The views of the stage."""
    size: int
    """Side of the square that frames a view (pictures: the long side), in pixels."""
    viewing: Viewing
    """Preprocessing of renders."""
    budget_bytes: float = math.inf
    """Memory for content features, and for those of other views; beyond it they are recomputed."""
    others: Mapping[str, Weighted] = field(default_factory=dict)
    """Guides in addition to the recipe's."""


def build_guide(recipe: Recipe, encoder: Encoder, inputs: StageInputs) -> Guide:
    """The guide for a recipe. ConfigError for a term without a loss or guide, or if all weights are 0.

    Each coat has all terms of the recipe, in its region. If there are several, they count by the area of their regions
    in each view, so that all are painted as much as one alone would be.
    """
    terms = list(_terms(recipe, inputs.coats))
    parts = {t.name: t.guide(inputs) for t in terms if t.term.name in GUIDES}
    losses = [t for t in terms if t.term.name in LOSSES]
    for name, other in inputs.others.items():
        if name in {t.name for t in terms} or name == FEATURES:
            raise ConfigError(f"guide {name!r}: the recipe has a part of that name; give it another name")
        parts[name] = other
    features = _feature_guide(recipe, encoder, inputs, losses) if losses or not parts else None
    if features is not None and not parts:
        return features
    own = {} if features is None else {FEATURES: Weighted(features)}
    return GuideSum({**own, **parts}, inputs.viewing.background)


def fitting_guide(
    scene: StageScene, viewing: Viewing, budget_bytes: float = math.inf, region: str | None = None
) -> FeatureGuide:
    """A guide of each view's mean squared distance to its content picture, in a region, without encoding."""
    pictures = Contents(scene, lambda picture: {IMAGE: picture}, viewing.background.device, budget_bytes)
    loss = ContentLoss(pictures, (IMAGE,), normalise="mean")
    return FeatureGuide(None, {"fit": WeightedLoss(loss, region=region)}, viewing)


@dataclass(frozen=True)
class _CoatTerm:
    """A term as it counts for a coat."""

    name: str
    """Its name in reports."""
    term: Term
    coat: Coat
    region: str | None
    by_area: bool

    def guide(self, inputs: StageInputs) -> Weighted:
        background = inputs.viewing.background
        made = GuideInputs(self.term.all_options, self.coat.styles, inputs.scene, inputs.size, background)
        guide = GUIDES.get(self.term.name).make(made)
        return Weighted(guide, self.term.weight, self.region, self.term.schedule, self.by_area)


def _terms(recipe: Recipe, coats: Sequence[Coat]) -> Iterator[_CoatTerm]:
    """The terms that count, of all coats. ConfigError for one with a region of its own, if there are several coats."""
    several = len(coats) > 1
    for coat in coats:
        for name, term in _named(coat.terms(recipe)):
            if several and term.region is not None:
                raise ConfigError(
                    f"term {name} has the region {term.region!r}, but several regions are painted: give the term to"
                    " one of these"
                )
            if term.weight:
                told = f"{name} {coat.name}" if several else name
                yield _CoatTerm(told, term, coat, term.region or coat.region, several)


def _named(terms: Sequence[Term]) -> Iterator[tuple[str, Term]]:
    """Terms by name, with numbers for duplicates: gram, gram.2."""
    counts: dict[str, int] = {}
    for term in terms:
        counts[term.name] = counts.get(term.name, 0) + 1
        yield (term.name if counts[term.name] == 1 else f"{term.name}.{counts[term.name]}"), term


def _feature_guide(
    recipe: Recipe, encoder: Encoder, inputs: StageInputs, terms: Sequence[_CoatTerm]
) -> FeatureGuide:
    seen = Seen(encoder, inputs.size, recipe.style_scale, inputs.viewing)
    scene = SceneTargets(seen, inputs.scene, inputs.budget_bytes)
    styles = {coat.name: StyleTargets(seen, coat.styles) for coat in inputs.coats}
    losses: dict[str, WeightedLoss] = {}
    for each in terms:
        kind, term, own = LOSSES.get(each.term.name), each.term, styles[each.coat.name]
        loss = kind.make(
            LossInputs(
                each.name,
                term.layers or encoder.own(kind.layers),
                term.all_options,
                recipe.normalise,
                encoder,
                own.features,
                scene.contents,
                scene.partners,
                own.pictures,
                own.encoded,
            )
        )
        if loss is not None:
            losses[each.name] = WeightedLoss(loss, term.weight, each.region, term.schedule, each.by_area)
    return FeatureGuide(encoder, losses, inputs.viewing, scene.memory)
