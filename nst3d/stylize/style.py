"""A style: pictures that are read once, and what is derived from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nst3d.images.resize import fit_long_side
from nst3d.tensors import Colours, Image, Planes, to_planes

SHORTEST = 16
"""Minimum shorter side of an encoded style, in pixels."""


@dataclass(frozen=True, eq=False)
class Style:
    """The target look of a scene: one picture, or several by the same hand."""

    images: tuple[Image, ...]
    """(h, w, 3) each, in [0, 1]; the first gives background and palette."""
    name: str = "style"
    weight: float = 1.0
    """Weight in the style statistics, relative to other styles."""
    scale: float = 1.0
    """Stroke size: its pictures are scaled by this factor."""

    @property
    def background(self) -> torch.Tensor:
        """(3,): the mean colour of the first picture, used as the background while painting."""
        return self.images[0].mean((0, 1))

    @property
    def palette(self) -> Colours:
        """(n, 3): the colours for palette transfer."""
        return self.images[0].reshape(-1, 3)

    def at(self, size: int) -> tuple[Planes, ...]:
        """The pictures (3, h, w) with a long side of `size` · scale pixels, or more for a narrow one."""
        return tuple(self._at(image, round(size * self.scale)) for image in self.images)

    @staticmethod
    def _at(image: Image, long: int) -> Planes:
        height, width = image.shape[:2]
        least = math.ceil(SHORTEST * max(height, width) / min(height, width))
        return to_planes(fit_long_side(image, max(long, least)))


def distinct(styles: Sequence[Style]) -> tuple[Style, ...]:
    """The styles without duplicates: the same picture given twice is one style with the weight of both."""
    kept: list[Style] = []
    for style in styles:
        twin = next((k for k, other in enumerate(kept) if _same(style, other)), None)
        if twin is None:
            kept.append(style)
        else:
            old = kept[twin]
            kept[twin] = Style(old.images, old.name, old.weight + style.weight, old.scale)
    return tuple(kept)


def _same(one: Style, other: Style) -> bool:
    alike = len(one.images) == len(other.images) and one.scale == other.scale
    return alike and all(torch.equal(a, b) for a, b in zip(one.images, other.images))
