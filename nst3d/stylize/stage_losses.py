"""Makes the losses of a stage: with styles as large as views show them, and views in several sizes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import torch

from nst3d.losses.base import Loss
from nst3d.losses.observation import IMAGE
from nst3d.losses.registry import LOSSES, AskPartners, LossInputs
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import FeatureGuide, WeightedLoss
from nst3d.stylize.guide import Guide
from nst3d.stylize.look import Look
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.stage_targets import SceneTargets, Seen, StyleTargets
from nst3d.stylize.strokes import BandedLoss, stroke_bands
from nst3d.stylize.terms import Term

_SMALLEST = 16
"""Shortest side of a view, in pixels, that is still encoded at a fraction of its size."""


@dataclass(frozen=True)
class CoatTerm:
    """A term as it counts for a coat."""

    name: str
    """Its name in reports."""
    term: Term
    coat: Coat
    region: str | None
    """Where it counts; None: everywhere."""
    by_area: bool
    """Whether it counts in each view by the region's share of what is covered."""

    def weighted(self, loss: Loss, share: float) -> WeightedLoss:
        """Its loss, with a share of its weight."""
        term = self.term
        return WeightedLoss(loss, term.weight * share, self.region, term.schedule, self.by_area)


class StageLosses:
    """The losses of a stage's terms."""

    def __init__(
        self, recipe: Recipe, seen: Seen, scene: StageScene, budget_bytes: float, terms: Sequence[CoatTerm]
    ) -> None:
        self._recipe, self._seen, self._terms = recipe, seen, terms
        self._scene = SceneTargets(seen, scene, budget_bytes)
        self._bands = stroke_bands(scene) if recipe.strokes == "surface" else None
        losses, self._styled = self._made(seen, terms, self._scene.partners)
        self._losses = losses | self._banded(losses, seen, self._scene.partners)

    def guides(self) -> Iterator[tuple[str, Guide]]:
        """The guide of all losses, and those of smaller views that octaves add, by what their names end in."""
        octaves, encoder = self._recipe.octaves, self._seen.encoder
        shared = {t.name for t in self._terms if self._deep(t.name, self._losses)}
        weighted = {
            t.name: t.weighted(self._losses[t.name], 1 / octaves if t.name in shared else 1.0)
            for t in self._terms
            if t.name in self._losses
        }
        yield "", FeatureGuide(encoder, weighted, self._seen.viewing, self._scene.memory)
        for part in (2**octave for octave in range(1, octaves) if shared):
            viewing = replace(self._seen.viewing, reduce=self._seen.viewing.reduce * part)
            found = self._smaller(replace(self._seen, viewing=viewing), shared)
            ending = f" 1/{part}"
            smaller = {
                f"{t.name}{ending}": t.weighted(found[t.name], 1 / octaves)
                for t in self._terms
                if t.name in found
            }
            yield ending, Smaller(FeatureGuide(encoder, smaller, viewing), viewing.reduce)

    def _deep(self, name: str, losses: Mapping[str, Loss]) -> bool:
        """Whether a term compares features with those of styles."""
        return name in self._styled and any(layer != IMAGE for layer in losses[name].layers)

    def _smaller(self, seen: Seen, names: set[str]) -> dict[str, Loss]:
        terms = [term for term in self._terms if term.name in names]
        losses, _ = self._made(seen, terms, _alone)
        return losses | self._banded(losses, seen, _alone)

    def _banded(self, usual: Mapping[str, Loss], seen: Seen, partners: AskPartners) -> dict[str, Loss]:
        """The losses that compare with styles, at the scales of the views' bands; none if strokes may differ."""
        if self._bands is None:
            return {}
        terms = [term for term in self._terms if term.name in usual and term.name in self._styled]
        by_scale = {1.0: usual}
        for scale in sorted({band.scale for view in self._bands for band in view} - {1.0}):
            scaled = replace(seen, style_scale=seen.style_scale * scale)
            named = [replace(term, name=f"{term.name} x{scale:.3g}") for term in terms]
            found, _ = self._made(scaled, named, partners)
            by_scale[scale] = {t.name: found[n.name] for t, n in zip(terms, named) if n.name in found}
        main = [[max(view, key=lambda band: float(band.cells.float().mean()))] for view in self._bands]
        return {
            term.name: BandedLoss(
                self._bands if self._deep(term.name, usual) else main,
                {scale: losses[term.name] for scale, losses in by_scale.items() if term.name in losses},
            )
            for term in terms
        }

    def _made(
        self, seen: Seen, terms: Sequence[CoatTerm], partners: AskPartners
    ) -> tuple[dict[str, Loss], set[str]]:
        """The losses of terms by name, except those without anything to compare, and the names of those with styles."""
        styles = {term.coat.name: StyleTargets(seen, term.coat.styles) for term in terms}
        losses, styled = dict[str, Loss](), set[str]()
        for each in terms:
            kind, term, own = LOSSES.get(each.term.name), each.term, styles[each.coat.name]
            own.asked = False
            loss = kind.make(
                LossInputs(
                    each.name,
                    term.layers or seen.encoder.own(kind.layers),
                    term.all_options,
                    self._recipe.normalise,
                    seen.encoder,
                    own.features,
                    self._scene.contents,
                    partners,
                    own.pictures,
                    own.encoded,
                    self._scene.depth,
                )
            )
            if loss is not None:
                losses[each.name] = loss
                styled |= {each.name} if own.asked else set()
        return losses, styled


def _alone(cells: Mapping[str, str], layers: tuple[str, ...] = ()) -> None:
    """No partner: smaller views remember nothing."""


@final
class Smaller(Guide):
    """A guide that judges views at a fraction of their size, except those that are too small for that."""

    def __init__(self, guide: FeatureGuide, reduce: int) -> None:
        """`reduce` is the side of the pixel blocks that the guide averages."""
        self.background = guide.background
        self._guide, self._reduce = guide, reduce

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        """The guide's verdict; 0 for a view that is smaller than 16 pixels then."""
        if min(look.image.shape[1:]) // self._reduce < _SMALLEST:
            return look.image.sum() * 0, {}
        return self._guide.judge(look)
