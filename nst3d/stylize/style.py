"""A style: pictures that are read once, words, a sound, or what a teacher knows, and what is derived from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from nst3d.errors import ConfigError
from nst3d.images.resize import fit_long_side
from nst3d.tensors import Colours, Image, Mask, Planes, to_planes

Detail = Literal["all", "coarse", "fine"]
"""What of a style counts: all, its forms and strokes, or its texture and colours."""
SHORTEST = 16
"""Minimum shorter side of an encoded style, in pixels."""
_COARSE = 4
"""Least distance of a layer's positions, in pixels of the view, for coarse detail: from relu3_1 on in a VGG."""


@dataclass(frozen=True, eq=False)
class Style:
    """The target look of a scene: pictures by the same hand, words, or both; or what a teacher alone knows."""

    images: tuple[Image, ...] = ()
    """(h, w, 3) each, in [0, 1]; the first gives the background and palette of the style."""
    name: str = "style"
    weight: float = 1.0
    """Weight in the style statistics, relative to other styles."""
    scale: float = 1.0
    """Stroke size: its pictures are scaled by this factor."""
    opacities: tuple[Mask | None, ...] = ()
    """(h, w) in [0, 1] for each picture, or None for an opaque one; empty: all are opaque. What is transparent
    is left out of the style's statistics."""
    detail: Detail = "all"
    """What of it counts beside the other styles of its region."""
    text: str = ""
    """What the scene should look like, in words, for guides that read them; empty: its pictures say it."""
    avoid: str = ""
    """What it should not look like."""
    taught: bool = False
    """Whether a teacher alone knows it, such as a network that was trained for it: it may have no pictures or words."""
    heard: torch.Tensor | None = None
    """(n,): a sound that the scene should look like, 16,000 samples a second, for guides that hear; None: there is
    none."""

    def __post_init__(self) -> None:
        """Raise ConfigError without pictures, words and sound, unless it is taught, and unless each picture has its
        opacity, and each opacity something opaque."""
        if not (self.images or self.followed or self.taught):
            raise ConfigError(f"style {self.name!r}: has neither pictures nor words")
        if self.opacities and len(self.opacities) != len(self.images):
            raise ConfigError(
                f"style {self.name!r}: {len(self.images)} images, {len(self.opacities)} opacities"
            )
        for image, opacity in zip(self.images, self.opacities):
            if opacity is None:
                continue
            if opacity.shape != image.shape[:2]:
                size, own = tuple(image.shape[:2]), tuple(opacity.shape)
                raise ConfigError(f"style {self.name!r}: an image of {size} pixels with opacities {own}")
            if not opacity.max() > 0:
                raise ConfigError(f"style {self.name!r}: an image is transparent throughout")

    @property
    def words(self) -> tuple[str, ...]:
        """Its text and what it avoids, as far as it has them."""
        return tuple(filter(None, (self.text, self.avoid)))

    @property
    def followed(self) -> bool:
        """Whether it has words or a sound, which guides follow."""
        return bool(self.words) or self.heard is not None

    @property
    def background(self) -> torch.Tensor:
        """(3,): the mean colour of the first picture, used as the background while painting; grey without pictures."""
        return _mean(self.images[0], self._opacity(0)) if self.images else torch.full((3,), 0.5)

    @property
    def palette(self) -> Colours:
        """(n, 3): the colours for palette transfer, those of the first picture's opaque pixels; (0, 3) without any."""
        if not self.images:
            return Colours(torch.empty(0, 3))
        opacity = self._opacity(0)
        colours = self.images[0].reshape(-1, 3)
        return colours if opacity is None else colours[opaque(opacity).reshape(-1) > 0]

    def counts(self, stride: int) -> bool:
        """Whether it counts in a layer whose positions are `stride` pixels of the view apart."""
        return self.detail == "all" or (self.detail == "coarse") == (stride >= _COARSE)

    def at(self, size: int) -> tuple[Planes, ...]:
        """The pictures (3, h, w) with a long side of `size` · scale pixels, or more for a narrow one.

        Transparent ones lie on their own mean colour.
        """
        return tuple(
            to_planes(self._fitted(_over(image, self._opacity(k)), size))
            for k, image in enumerate(self.images)
        )

    def opacities_at(self, size: int) -> tuple[Mask | None, ...]:
        """The opacities (h, w) of the pictures that `at` gives for this size; None: opaque."""
        masks = (self._opacity(k) for k in range(len(self.images)))
        return tuple(m if m is None else self._fitted(Image(m[..., None]), size)[..., 0] for m in masks)

    def _opacity(self, number: int) -> Mask | None:
        return self.opacities[number] if self.opacities else None

    def _fitted(self, image: Image, size: int) -> Image:
        height, width = image.shape[:2]
        least = math.ceil(SHORTEST * max(height, width) / min(height, width))
        return fit_long_side(image, max(round(size * self.scale), least))


def opaque(opacity: Mask, threshold: float = 0.5) -> Mask:
    """(h, w) in {0, 1}: where an opacity is above the threshold; if it is nowhere, where it is highest."""
    mask, most = opacity > threshold, opacity.max()
    return (mask if bool(mask.any()) else (opacity >= most) & (most > 0)).to(opacity.dtype)


def _mean(image: Image, opacity: Mask | None) -> torch.Tensor:
    if opacity is None:
        return image.mean((0, 1))
    return (image * opacity[..., None]).sum((0, 1)) / opacity.sum()


def _over(image: Image, opacity: Mask | None) -> Image:
    """The picture on its mean colour, so that what it hides under transparent pixels cannot leak."""
    if opacity is None:
        return image
    return Image(torch.lerp(_mean(image, opacity).expand_as(image), image, opacity[..., None]))


def distinct(styles: Sequence[Style]) -> tuple[Style, ...]:
    """The styles without duplicates: the same picture given twice is one style with the weight of both."""
    kept: list[Style] = []
    for style in styles:
        twin = next((k for k, other in enumerate(kept) if _same(style, other)), None)
        if twin is None:
            kept.append(style)
        else:
            old = kept[twin]
            kept[twin] = replace(old, weight=old.weight + style.weight)
    return tuple(kept)


def _same(one: Style, other: Style) -> bool:
    if len(one.images) != len(other.images) or _manner(one) != _manner(other):
        return False
    if not _equal(one.heard, other.heard):
        return False
    return all(_equal(one._opacity(k), other._opacity(k)) for k in range(len(one.images))) and all(
        map(_equal, one.images, other.images)
    )


def _manner(style: Style) -> tuple[float, str, str, str, str]:
    known = style.name if style.taught else ""  # a teacher knows it by its name
    return style.scale, style.detail, style.text, style.avoid, known


def _equal(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is other or (one is not None and other is not None and torch.equal(one, other))
