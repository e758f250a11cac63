"""Patches of pictures for a network to be trained on, as the views of a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from nst3d.errors import ConfigError
from nst3d.images.palette import PaletteMap, match_palette
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.tensors import Colours, Mask, Planes
from nst3d.training.shot import Before, Shot

LEAST = 32
"""Shortest side of a patch, in pixels: the coarsest features still have some positions."""
_COVERED = 0.3
"""Share of a patch that the scene should cover."""
_TRIES = 20


@dataclass(frozen=True)
class _Place:
    """Where a patch is, and how it is shown."""

    shot: int
    top: int
    left: int
    mirrored: bool
    strength: float
    """How far its colours are moved to the style's palette."""


class Patches:
    """Square patches of shots over one style's background, chosen at random once.

    What the network is shown has its colours moved towards the style's palette by a random amount, as a scene's are
    before it is painted; the content to keep is the picture's own, as it is when a scene is painted.
    """

    def __init__(self, shots: Sequence[Shot], style: Style, side: int, count: int, seed: int = 0) -> None:
        """`side` is a patch's, in pixels. ConfigError without a picture as large as a patch."""
        self.shots, self.style, self.side, self.count = shots, style, side, count
        fitting = [i for i, shot in enumerate(shots) if min(shot.coverage.shape) >= side]
        if not fitting:
            raise ConfigError(f"no picture to train on has {side} x {side} pixels")
        generator = torch.Generator().manual_seed(seed)
        self._places = [self._place(generator, fitting) for _ in range(count)]
        self._palette = self._palette_map()

    def stage(self) -> StageScene:
        """The patches as views, which are not compared."""
        return StageScene(self.count, self.content)

    def content(self, number: int) -> Planes:
        """A patch (3, side, side) in its own colours."""
        place = self._places[number]
        return Planes(self._cut(self.shots[place.shot].over(self.style.background), place))

    def shown(self, number: int) -> Planes:
        """A patch (3, side, side) as the network is shown it."""
        return self._moved(self.content(number), self._places[number])

    def before(self, number: int) -> Before | None:
        """The patch of the frame before, shown alike, that most of a patch's content comes from; None without one.

        What comes from outside of it is not trusted.
        """
        place = self._places[number]
        before = self.shots[place.shot].before
        if before is None:
            return None
        back, trust = self._cut(before.back.permute(2, 0, 1), place), self._cut(before.trust, place)
        height, width = before.trust.shape
        right, down = back.flatten(1).median(1).values.round().int().tolist()
        left = min(max(place.left + right, 0), width - self.side)
        top = min(max(place.top + down, 0), height - self.side)
        flow = back - back.new_tensor([left - place.left, top - place.top])[:, None, None]
        if place.mirrored:
            flow = flow * flow.new_tensor([-1, 1])[:, None, None]
        colour = Planes(self._cut(before.colour, replace(place, left=left, top=top)))
        return Before(
            self._moved(colour, place), flow.permute(1, 2, 0), Mask(trust * _stays_inside(flow).to(trust))
        )

    def coverage(self, number: int) -> Mask:
        """A patch's coverage (side, side)."""
        place = self._places[number]
        return Mask(self._cut(self.shots[place.shot].coverage, place))

    def _moved(self, patch: Planes, place: _Place) -> Planes:
        moved = self._palette.apply(Colours(patch.permute(1, 2, 0))).permute(2, 0, 1).clamp(0, 1)
        return Planes(torch.lerp(patch, moved, place.strength))

    def _cut(self, planes: torch.Tensor, place: _Place) -> torch.Tensor:
        part = planes[..., place.top : place.top + self.side, place.left : place.left + self.side]
        return part.flip(-1) if place.mirrored else part

    def _place(self, generator: torch.Generator, fitting: Sequence[int]) -> _Place:
        """A place where the scene covers enough, or the last of several tries."""
        for _ in range(_TRIES):
            a, b, c, d, e = torch.rand(5, generator=generator).tolist()
            shot = fitting[int(a * len(fitting))]
            height, width = self.shots[shot].coverage.shape
            top, left = int(b * (height - self.side + 1)), int(c * (width - self.side + 1))
            place = _Place(shot, top, left, d < 0.5, e)
            if float(self._cut(self.shots[shot].coverage, place).mean()) >= _COVERED:
                break
        return place

    def _palette_map(self) -> PaletteMap:
        rows = torch.cat([shot.colour.flatten(1).T for shot in self.shots])
        seen = torch.cat([shot.coverage.flatten() for shot in self.shots])
        return match_palette(Colours(rows), self.style.palette, seen if bool(seen.any()) else None)


def _stays_inside(flow: torch.Tensor) -> torch.Tensor:
    """(h, w): whether a flow (2, h, w) ends within the picture."""
    height, width = flow.shape[1:]
    x = torch.arange(width).to(flow) + flow[0]
    y = torch.arange(height).to(flow)[:, None] + flow[1]
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
