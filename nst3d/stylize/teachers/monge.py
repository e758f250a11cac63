"""Universal style transfer: features of all views move from the statistics of the scene to those of the style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.networks.pairs import LEVELS, Pair, load_pairs
from nst3d.networks.transport import Statistics, blended, monge_map, pooled_statistics
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Features, Image, Mask, to_image, to_planes


@final
class Monge:
    """Moves features level by level, from coarse to fine, decoding in between.

    At each level the features of all pictures are one Gaussian, weighted by coverage, and those of the style are
    another; every picture gets the same map between the two, so what two views show of one point moves alike. Li et
    al. 2017, "Universal style transfer via feature transforms", with the map of Lu et al. 2019.
    """

    def __init__(
        self, pairs: Mapping[int, Pair], strength: float = 1.0, levels: Sequence[int] = LEVELS
    ) -> None:
        """`strength` is the share of the way, 0 to 1, that features move at each of the `levels`."""
        if not 0 <= strength <= 1:
            raise ConfigError(f"monge: strength is {strength}, expected 0 to 1")
        self._pairs, self._strength, self._levels = pairs, strength, sorted(levels, reverse=True)

    def lessons(self) -> Sequence[Monge]:
        """One teacher per level: learnt by the scene in between, the pictures of finer levels agree better."""
        return [Monge(self._pairs, self._strength, (level,)) for level in self._levels]

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
        content = pooled_statistics(zip(features, coverages))
        target = _style_statistics(pair, styles, max(max(picture.shape[:2]) for picture in pictures))
        move = monge_map(content, target)
        decoded = []
        for own, picture in zip(features, pictures):
            moved = Features(torch.lerp(own, move(own), self._strength))
            height, width = picture.shape[:2]
            decoded.append(Image(to_image(pair.decode(moved, (height, width))).clamp(0, 1)))
        return decoded


def _style_statistics(pair: Pair, styles: Sequence[Style], size: int) -> Statistics:
    """The statistics of all styles, each over all of its pictures, mixed by the styles' weights."""
    found = [
        pooled_statistics((pair.encode(p), o) for p, o in zip(style.at(size), style.opacities_at(size)))
        for style in styles
    ]
    return blended(found, [style.weight for style in styles])


def _make(options: Mapping[str, Any]) -> Monge:
    return Monge(load_pairs(), options["strength"])


register_teacher("monge", _make, {"strength": 1.0})
