"""Universal style transfer: features of all views move from the statistics of the scene to those of the style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.features.precision import fast_dtype
from nst3d.networks.any_pair import LEVELS, AnyPair, repainted
from nst3d.networks.best_pairs import best_pairs
from nst3d.networks.patches import StylePatches, style_patches, swapped
from nst3d.networks.transport import AffineMap, Statistics, monge_map, pooled_statistics
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import Teacher, register_teacher
from nst3d.stylize.teachers.style_features import encoded_styles, mixed_statistics
from nst3d.tensors import Features, Image, Mask, to_image, to_planes

_SWAPPED = (3, 4)
"""Levels at which patches are swapped: those whose features hold strokes."""
_SEEDS = 4
"""The level whose picture keeps its stairs if patches are swapped: in flat parts, the next level's strokes grow from
them. Smooth ones would all get the same patch, whose average with itself is a blot."""


@final
class Monge:
    """Moves features level by level, from coarse to fine, decoding in between.

    At each level the features of all pictures are one Gaussian, weighted by coverage, and those of the style are
    another; every picture gets the same map between the two, so what two views show of one point moves alike. Li et
    al. 2017, "Universal style transfer via feature transforms", with the map of Lu et al. 2019. At the coarse levels,
    patches are then swapped for the style's most similar ones, which bring its strokes.
    """

    def __init__(
        self,
        pairs: Mapping[int, AnyPair],
        strength: float = 1.0,
        strokes: float = 0.5,
        levels: Sequence[int] = LEVELS,
    ) -> None:
        """`strength` is the share of the way, 0 to 1, that features move at each of the `levels`.

        `strokes` is the share, 0 to 1, of the style's own patches in them.
        """
        for name, share in (("strength", strength), ("strokes", strokes)):
            if not 0 <= share <= 1:
                raise ConfigError(f"option {name} is {share}: expected 0 to 1")
        self._pairs, self._strength, self._strokes = pairs, strength, strokes
        self._levels = sorted(levels, reverse=True)

    def lessons(self) -> Sequence[Monge]:
        """One teacher per level: learnt by the scene in between, the pictures of finer levels agree better."""
        return [Monge(self._pairs, self._strength, self._strokes, (level,)) for level in self._levels]

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures with the styles' statistics at each level; the styles are mixed by their weights."""
        return self._through(pictures, looks, styles)[1]

    def prepared(self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]) -> Teacher:
        """A teacher with the maps that bring these pictures to these styles."""
        return _Moved(self._through(pictures, looks, styles)[0])

    def _through(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> tuple[list[_Step], Sequence[Image]]:
        """The steps from level to level, and the pictures after the last."""
        coverages = [look.coverage for look in looks]
        size = max(max(picture.shape[:2]) for picture in pictures)
        steps = []
        for level in self._levels:
            pair = self._pairs[level]
            features = [pair.encode(to_planes(picture)) for picture in pictures]
            steps.append(self._step(pair, pooled_statistics(zip(features, coverages)), styles, size))
            pictures = [steps[-1].decoded(*each) for each in zip(features, coverages, pictures)]
        return steps, pictures

    def _step(self, pair: AnyPair, held: Statistics, styles: Sequence[Style], size: int) -> _Step:
        encoded = encoded_styles(pair, styles, size)
        wanted = mixed_statistics(encoded, styles)
        patches = None
        if self._strokes > 0 and pair.level in _SWAPPED:
            patches = style_patches([features for each in encoded for features, _ in each], wanted)
        return _Step(pair, monge_map(held, wanted), self._strength, patches, self._strokes)


@final
class _Moved:
    def __init__(self, steps: Sequence[_Step]) -> None:
        self._steps = steps

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        for step in self._steps:
            pictures = [step.painted(picture, look.coverage) for picture, look in zip(pictures, looks)]
        return pictures


@dataclass(frozen=True)
class _Step:
    """What is done to each picture at a level."""

    pair: AnyPair
    move: AffineMap
    strength: float
    patches: StylePatches | None
    """Those that are swapped in; None: none are."""
    strokes: float

    def painted(self, picture: Image, coverage: Mask) -> Image:
        """A picture (h, w, 3), moved."""
        return self.decoded(self.pair.encode(to_planes(picture)), coverage, picture)

    def decoded(self, features: Features, coverage: Mask, picture: Image) -> Image:
        """The picture (h, w, 3) whose features these were, moved."""
        moved = self.move(features)
        if self.patches is not None:
            moved = swapped(moved, self.patches, self.strokes, coverage)
        blend = Features(torch.lerp(features, moved, self.strength))
        smooth = self.patches is None or self.pair.level != _SEEDS
        return Image(to_image(repainted(self.pair, blend, features, to_planes(picture), smooth)))


def _make(options: Mapping[str, Any]) -> Monge:
    coarsest = options["coarsest"]
    if coarsest not in LEVELS:
        raise ConfigError(f"option coarsest is {coarsest}: expected a level from {LEVELS[0]} to {LEVELS[-1]}")
    levels = [level for level in LEVELS if level <= coarsest]
    return Monge(best_pairs(dtype=fast_dtype()), options["strength"], options["strokes"], levels)


OPTIONS = {"strength": 1.0, "strokes": 0.5, "coarsest": LEVELS[-1]}
FOR_FRAMES = {"strokes": 0.0, "coarsest": 3}
"""In flat parts, which patches are alike is a matter of noise: strokes there differ from frame to frame. What the
coarsest level loses of a picture, a scene has from the other views that it learns; a frame would show blocks."""

register_teacher("monge", _make, OPTIONS, for_frames=FOR_FRAMES)
