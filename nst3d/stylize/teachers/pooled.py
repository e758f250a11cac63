"""A teacher that paints all views with one normalisation.

A network that normalises each view for itself paints the same wall differently in each. It also amplifies a small
object in front of a plain background until its contrasts are far beyond the style's. Moments of the scene alone, over
all views, do neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch

from nst3d.networks.conditional import ConditionalNet
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.tensors import Image, Planes, to_image, to_planes

_SAMPLE = 16
"""Views at most whose moments stand for those of all: the features of these are in memory together."""


@final
class NormalisedTeacher:
    """Paints pictures of a scene in one style, all normalised by the scene's moments."""

    @torch.no_grad()
    def __init__(
        self, net: ConditionalNet, style: torch.Tensor, pictures: Sequence[Image], looks: Sequence[Look]
    ) -> None:
        """`style` is the style's vector; the moments are those of what these pictures (h, w, 3) show of the scene."""
        step = max(-(-len(pictures) // _SAMPLE), 1)
        planes = [to_planes(picture) for picture in pictures[::step]]
        self._net, self._style = net, style
        self._moments = net.moments(planes, style, [look.coverage for look in looks[::step]])

    @torch.no_grad()
    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures, painted in the style that the teacher has."""
        painted = (self._net([to_planes(p)], self._style, self._moments) for p in pictures)
        return [to_image(Planes(planes)) for (planes,) in painted]
