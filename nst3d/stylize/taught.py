"""What a teacher painted, as the aim of the steps after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from nst3d.images.resize import resize
from nst3d.stylize.coat import Coat
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.tensors import Image, Mask, Planes, to_image, to_planes

_PICTURES = 4
"""Most views that a style has as its pictures: each is encoded once a stage."""


class Taught:
    """The last pictures that a teacher painted of all views, in 8 bits, as which they are in checkpoints, too.

    What a scene learns of a teacher's pictures is their mean where they disagree, which is soft. Steps afterwards can
    aim for the pictures themselves: each view has its own as its content, and a few are the pictures of styles that
    had only words. So words that a teacher has painted need nobody to follow them.
    """

    def __init__(self) -> None:
        self._pictures: list[torch.Tensor] = []
        self._covers: dict[str, list[torch.Tensor]] = {}

    @property
    def known(self) -> bool:
        """Whether there are pictures."""
        return bool(self._pictures)

    def keep(self, pictures: Sequence[Planes], covers: Mapping[str, Sequence[Mask]]) -> None:
        """Keep the picture (3, h, w) of each view, and what each coat, by name, covers of it (h, w)."""
        self._pictures = [_bytes(to_image(picture)) for picture in pictures]
        self._covers = {name: [_bytes(mask) for mask in masks] for name, masks in covers.items()}

    def scene(self, scene: StageScene) -> StageScene:
        """A stage whose contents are the pictures, in the size of its views."""

        def content(view: int) -> Planes:
            size = scene.content(view).shape
            return to_planes(resize(Image(_floats(self._pictures[view])), (size[1], size[2])))

        return replace(scene, content=content)

    def coat(self, coat: Coat, style_scale: float) -> Coat:
        """A coat whose words are painted: its first style without pictures gets those of a few views.

        `style_scale` is that of the recipe, whose inverse they have as their own, so that details keep their size.
        """
        bare = next((k for k, style in enumerate(coat.styles) if not style.images), None)
        covers = self._covers.get(coat.name, [])
        seen = [view for view, cover in enumerate(covers) if bool((cover > 127).any())]
        styles = list(coat.styles)
        if bare is not None and seen:
            chosen = seen[:: -(-len(seen) // _PICTURES)]
            styles[bare] = self._pictured(styles[bare], chosen, covers, 1 / style_scale)
        return replace(coat, styles=styles, words_painted=True)

    def _pictured(
        self, style: Style, views: Sequence[int], covers: Sequence[torch.Tensor], scale: float
    ) -> Style:
        images = tuple(Image(_floats(self._pictures[view])) for view in views)
        return replace(
            style, images=images, opacities=tuple(_floats(covers[view]) for view in views), scale=scale
        )

    def state(self) -> dict[str, Any]:
        """The pictures, and what coats cover of them."""
        return {"pictures": list(self._pictures), "covers": {k: list(v) for k, v in self._covers.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the result of `state`. ValueError for one that is none."""
        pictures, covers = list(state["pictures"]), {k: list(v) for k, v in state["covers"].items()}
        if any(len(masks) != len(pictures) for masks in covers.values()) or not all(
            part.dtype == torch.uint8 for parts in (pictures, *covers.values()) for part in parts
        ):
            raise ValueError("what a teacher painted is not stored as it is written")
        self._pictures, self._covers = pictures, covers


def _bytes(values: torch.Tensor) -> torch.Tensor:
    return (values.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8)


def _floats(values: torch.Tensor) -> torch.Tensor:
    return values.float() / 255
