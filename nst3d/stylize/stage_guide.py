"""Makes the guide of a stage from a recipe: style targets once, content targets once per view."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.losses.content import ContentLoss
from nst3d.losses.observation import IMAGE
from nst3d.losses.registry import LOSSES
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import FeatureGuide, Viewing, WeightedLoss
from nst3d.stylize.guide import Guide, GuideSum, Weighted
from nst3d.stylize.guides import FEATURES, GUIDES, WORDS, GuideInputs
from nst3d.stylize.loaded import Loaded
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_losses import CoatTerm, StageLosses
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.stage_targets import Contents, Seen
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
    loaded: Loaded = field(default_factory=Loaded)
    """What guides of all stages share."""


def build_guide(recipe: Recipe, encoder: Encoder, inputs: StageInputs) -> Guide:
    """The guide for a recipe. ConfigError for a term without a loss or guide, or if all weights are 0.

    Each coat has all terms of the recipe, in its region. If there are several, they count by the area of their regions
    in each view, so that all are painted as much as one alone would be.
    """
    terms = list(_terms(recipe, inputs.coats))
    parts = {t.name: _guide_of(t, inputs) for t in terms if t.term.name in GUIDES}
    losses = [t for t in terms if t.term.name in LOSSES]
    for name, other in inputs.others.items():
        if name in {t.name for t in terms} or name == FEATURES:
            raise ConfigError(f"guide {name!r}: the recipe has a part of that name; give it another name")
        parts[name] = other
    own: dict[str, Guide] = {}
    if losses or not parts:
        seen = Seen(encoder, inputs.size, recipe.style_scale, inputs.viewing)
        made = StageLosses(recipe, seen, inputs.scene, inputs.budget_bytes, losses)
        own = {f"{FEATURES}{ending}": guide for ending, guide in made.guides()}
    if len(own) == 1 and not parts:
        return own[FEATURES]
    return GuideSum(
        {**{name: Weighted(guide) for name, guide in own.items()}, **parts}, inputs.viewing.background
    )


def fitting_guide(
    scene: StageScene, viewing: Viewing, budget_bytes: float = math.inf, region: str | None = None
) -> FeatureGuide:
    """A guide of each view's mean squared distance to its content picture, in a region, without encoding."""
    pictures = Contents(scene, lambda picture: {IMAGE: picture}, viewing.background.device, budget_bytes)
    loss = ContentLoss(pictures, (IMAGE,), normalise="mean")
    return FeatureGuide(None, {"fit": WeightedLoss(loss, region=region)}, viewing)


def _guide_of(each: CoatTerm, inputs: StageInputs) -> Weighted:
    background = inputs.viewing.background
    made = GuideInputs(
        each.term.all_options, each.coat.styles, inputs.scene, inputs.size, background, inputs.loaded
    )
    guide = GUIDES.get(each.term.name).make(made)
    return Weighted(guide, each.term.weight, each.region, each.term.schedule, each.by_area)


def _terms(recipe: Recipe, coats: Sequence[Coat]) -> Iterator[CoatTerm]:
    """The terms that count, of all coats. ConfigError for one with a region of its own, if there are several coats."""
    several = len(coats) > 1
    for coat in coats:
        for name, term in _named(with_words(coat.terms(recipe), coat)):
            if several and term.region is not None:
                raise ConfigError(
                    f"term {name} has the region {term.region!r}, but several regions are painted: give the term to"
                    " one of these"
                )
            if term.weight and _applies(term, coat):
                told = f"{name} {coat.name}" if several else name
                yield CoatTerm(told, term, coat, term.region or coat.region, several)


def ready(recipe: Recipe, coats: Sequence[Coat]) -> Iterator[str]:
    """Notes of the guides on the styles that they will follow.

    Raises MissingDependencyError if something that they need is not on this machine.
    """
    for each in _terms(recipe, coats):
        if each.term.name in GUIDES:
            yield from GUIDES.get(each.term.name).ready(each.term.all_options, each.coat.styles)


def with_words(terms: Sequence[Term], coat: Coat) -> Sequence[Term]:
    """The terms of a coat, with one that follows its words if it has any that no teacher has painted."""
    followed = any(term.name in GUIDES and GUIDES.get(term.name).reads_words for term in terms)
    return terms if followed or coat.words_painted or not coat.worded else (*terms, Term(WORDS))


def _applies(term: Term, coat: Coat) -> bool:
    """Whether a coat has what a term compares views with."""
    if term.name in LOSSES:
        return coat.pictured or LOSSES.get(term.name).aim != "style"
    return coat.worded or not GUIDES.get(term.name).reads_words


def _named(terms: Sequence[Term]) -> Iterator[tuple[str, Term]]:
    """Terms by name, with numbers for duplicates: gram, gram.2."""
    counts: dict[str, int] = {}
    for term in terms:
        counts[term.name] = counts.get(term.name, 0) + 1
        yield (term.name if counts[term.name] == 1 else f"{term.name}.{counts[term.name]}"), term
