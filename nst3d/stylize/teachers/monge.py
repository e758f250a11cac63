"""Universal style transfer: features of all views move from the statistics of the scene to those of the style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.features.precision import fast_dtype
from nst3d.networks.pairs import LEVELS, Pair, load_pairs
from nst3d.networks.patches import StylePatches, style_patches, swapped
from nst3d.networks.transport import Statistics, monge_map, pooled_statistics
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.stylize.teachers.style_features import encoded_styles, mixed_statistics
from nst3d.tensors import Features, Image, Mask, to_image, to_planes

_SWAPPED = (3, 4)
"""Levels at which patches are swapped: those whose features hold strokes."""


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
        pairs: Mapping[int, Pair],
        strength: float = 1.0,
        strokes: float = 0.5,
        levels: Sequence[int] = LEVELS,
    ) -> None:
        """`strength` is the share of the way, 0 to 1, that features move at each of the `levels`.

        `strokes` is the share, 0 to 1, of the style's own patches in them.
        """
        if not (0 <= strength <= 1 and 0 <= strokes <= 1):
            raise ConfigError(f"monge: strength is {strength} and strokes {strokes}, expected 0 to 1")
        self._pairs, self._strength, self._strokes = pairs, strength, strokes
        self._levels = sorted(levels, reverse=True)

    def lessons(self) -> Sequence[Monge]:
        """One teacher per level: learnt by the scene in between, the pictures of finer levels agree better."""
        return [Monge(self._pairs, self._strength, self._strokes, (level,)) for level in self._levels]

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures with the styles' statistics at each level; the styles are mixed by their weights."""
        coverages = [look.coverage for look in looks]
        for level in self._levels:
            pictures = self._moved(self._pairs[level], pictures, coverages, styles)
        return pictures

    def _moved(
        self, pair: Pair, pictures: Sequence[Image], coverages: Sequence[Mask], styles: Sequence[Style]
    ) -> list[Image]:
        features = [pair.encode(to_planes(picture)) for picture in pictures]
        size = max(max(picture.shape[:2]) for picture in pictures)
        target = _Target(pair, styles, size)
        move = monge_map(pooled_statistics(zip(features, coverages)), target.statistics)
        strokes = self._strokes if pair.level in _SWAPPED else 0.0
        painted = []
        for own, coverage, picture in zip(features, coverages, pictures):
            moved = move(own)
            if strokes > 0:
                moved = swapped(moved, target.patches, strokes, coverage)
            blend = Features(torch.lerp(own, moved, self._strength))
            height, width = picture.shape[:2]
            painted.append(Image(to_image(pair.decode(blend, (height, width))).clamp(0, 1)))
        return painted


class _Target:
    """What the features of a level move to."""

    def __init__(self, pair: Pair, styles: Sequence[Style], size: int) -> None:
        encoded = encoded_styles(pair, styles, size)
        self.statistics: Statistics = mixed_statistics(encoded, styles)
        self._pictures = [features for pictures in encoded for features, _ in pictures]

    @cached_property
    def patches(self) -> StylePatches:
        """The patches of all pictures."""
        return style_patches(self._pictures, self.statistics)


def _make(options: Mapping[str, Any]) -> Monge:
    return Monge(load_pairs(dtype=fast_dtype()), options["strength"], options["strokes"])


register_teacher("monge", _make, {"strength": 1.0, "strokes": 0.5})
