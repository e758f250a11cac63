"""The layout of a colour table: loose rows (vertices), or consecutive images (textures)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nst3d.images.resize import resize
from nst3d.tensors import Colours, Image, ImageSize


@dataclass(frozen=True)
class Layout:
    """Rows of a colour table. `images` in order cover all rows; without images the rows have no neighbours."""

    num_colours: int
    images: tuple[ImageSize, ...] = ()

    @staticmethod
    def of_images(sizes: Sequence[ImageSize]) -> Layout:
        """The layout of images one after the other, each row by row from the top."""
        return Layout(sum(s.height * s.width for s in sizes), tuple(ImageSize(*s) for s in sizes))

    def split(self, colours: Colours) -> list[Image]:
        """The table's images, (h, w, c) views of it."""
        blocks = colours.split([s.height * s.width for s in self.images])
        return [b.view(*s, -1) for b, s in zip(blocks, self.images)]

    def scaled(self, scale: float) -> Layout:
        """The layout with images scaled by `scale` along each side; loose rows stay unchanged."""
        if not self.images:
            return self
        return Layout.of_images([scaled_size(s, scale) for s in self.images])


def scaled_size(size: ImageSize, scale: float) -> ImageSize:
    """A size times `scale`, at least one pixel."""
    return ImageSize(max(1, round(size.height * scale)), max(1, round(size.width * scale)))


def resampled(colours: Colours, source: Layout, target: Layout) -> Colours:
    """The table in another layout of the same images: each resized, averaging where it shrinks."""
    if source == target:
        return colours
    resized = [resize(i, s) for i, s in zip(source.split(colours), target.images)]
    return torch.cat([i.reshape(-1, i.shape[-1]) for i in resized])
