"""Whose colours a painting has: those of the style, of the scene, or of a palette."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch

from nst3d.errors import ConfigError
from nst3d.images.colour import luminance
from nst3d.images.gamut import Gamut
from nst3d.images.histogram import ColourLookup, match_histogram, sampled
from nst3d.images.palette import match_palette, statistics
from nst3d.stylize.style import Style, opaque
from nst3d.tensors import Colours, Image, Mask

ColourMode = Literal["style", "content", "luminance", "palette"]
KEEPING: tuple[ColourMode, ...] = ("content", "luminance")
"""Modes that keep colours of the scene."""
_CLOSE = 1e-4
"""Difference of means and covariances at which a table has those of its content."""
_ROUNDS = 40
_PLAIN = 0.01
"""Standard deviation of a palette below which it counts as one colour."""


@dataclass(frozen=True, eq=False)
class Colouring:
    """How the colours of styles and painted tables are changed. What is done to a table is exact in every view.

    style: nothing is changed. palette: styles get the colours `goal` before painting, and the table does afterwards.
    content: the same with the scene's own colours; the table ends with the content's mean and covariance. luminance:
    styles and scene are painted in grey, and the table ends with the content's chroma. Both go back to Gatys et al.
    2016, "Preserving color in neural artistic style transfer", which matches colours by mean and covariance alone.
    """

    mode: ColourMode = "style"
    goal: Colours | None = None
    """(k, 3) in [0, 1], each colour as often as it counts: what styles get; None: what they have."""

    @staticmethod
    def of(
        mode: ColourMode, own: Colours, weights: torch.Tensor | None = None, palette: Colours | None = None
    ) -> Colouring:
        """The colouring of a scene with the colours `own` (n, 3), of these `weights` (n,); `palette` is (m, 3).

        ConfigError for a palette without two different colours.
        """
        if mode == "style":
            return Colouring()
        if mode == "palette":
            if palette is None:
                raise ConfigError(
                    "`colour` is palette: give `palette`, an image or colours such as #1f4e79,#f2c14e"
                )
            goal = sampled(palette.clamp(0, 1))
            if float(goal.double().var(0, correction=0).sum().sqrt()) < _PLAIN:
                raise ConfigError("`palette` has a single colour: give two or more, or an image with several")
            return Colouring(mode, goal)
        goal = sampled(own.clamp(0, 1), weights)
        return Colouring(mode, _grey(goal) if mode == "luminance" else goal)

    @property
    def keeps(self) -> bool:
        """Whether the scene keeps colours of its own, so that it does not get the style's before painting."""
        return self.mode in KEEPING

    def seen(self, colours: Colours) -> Colours:
        """Colours (..., 3) as painting sees them: in grey for luminance, unchanged otherwise."""
        return _grey(colours) if self.mode == "luminance" else colours

    def style(self, style: Style) -> Style:
        """A style with the colours that it may ask for."""
        if self.goal is None:
            return style
        opacities = style.opacities or (None,) * len(style.images)
        return replace(style, images=tuple(map(self._recoloured, style.images, opacities)))

    def finish(self, table: Colours, content: Colours, weights: torch.Tensor) -> Colours:
        """A painted table (n, 3), finished. `content` (n, 3) are the scene's own colours, `weights` (n,) how much of
        each row counts in statistics."""
        if self.goal is None or not bool((weights > 0).any()):
            return table
        own = content.to(table).clamp(0, 1)
        if self.mode == "luminance":
            return with_luminance(own, luminance(table))
        moved = self._moved(table, sampled(table, weights))
        return like(moved, own, weights) if self.mode == "content" else moved

    def _recoloured(self, picture: Image, opacity: Mask | None) -> Image:
        rows = self.seen(picture).reshape(-1, 3)
        counted = rows if opacity is None else rows[opaque(opacity).reshape(-1) > 0]
        return Image(self.seen(self._moved(rows, sampled(counted))).reshape(picture.shape))

    def _moved(self, rows: Colours, some: Colours) -> Colours:
        """Rows (n, 3), of which `some` (m, 3) are typical, with the goal's mean and covariance, then its histogram.

        Nodes of the lookup are in the goal's gamut, and so is what lies between them.
        """
        assert self.goal is not None
        first = match_palette(some, self.goal)
        lookup = match_histogram(first.apply(some).clamp(0, 1), self.goal)
        nodes = Gamut.of(self.goal, 0.0).nearest(lookup.nodes.reshape(-1, 3)).reshape(lookup.nodes.shape)
        return ColourLookup(nodes).apply(first.apply(rows))


def like(table: Colours, content: Colours, weights: torch.Tensor) -> Colours:
    """A table (n, 3) in [0, 1] with the mean and covariance of another, both with `weights` (n,).

    The map of colours and the clamp to [0, 1] take turns until means and covariances differ by less than 1e-4.
    """
    wanted, found = statistics(content, weights), table
    for _ in range(_ROUNDS):
        found = match_palette(found, content, weights, target_weights=weights).apply(found)
        found = found.clamp(0, 1)
        apart = max(float((a - b).abs().max()) for a, b in zip(statistics(found, weights), wanted))
        if apart < _CLOSE:
            break
    return found


def with_luminance(colours: Colours, wanted: torch.Tensor) -> Colours:
    """Colours (n, 3) with their own chroma and a luminance of `wanted` (n, 1), as far as the cube [0, 1]³ has such."""
    change = wanted - luminance(colours)
    low, high = -colours.amin(1, keepdim=True), 1 - colours.amax(1, keepdim=True)
    return colours + torch.minimum(torch.maximum(change, low), high)


def _grey(colours: Colours) -> Colours:
    return luminance(colours).expand(colours.shape).contiguous()
