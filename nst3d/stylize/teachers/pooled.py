"""Paints many views with one normalisation.

A network that normalises each view for itself paints the same wall differently in each. It also amplifies a small
object in front of a plain background until its contrasts are far beyond the style's. Moments of the scene alone, over
all views, do neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.networks.conditional import ConditionalNet
from nst3d.stylize.look import Look
from nst3d.tensors import Image, Planes, to_image, to_planes

_SAMPLE = 16
"""Views at most whose moments stand for those of all: the features of these are in memory together."""


def paint_all(
    net: ConditionalNet, pictures: Sequence[Image], looks: Sequence[Look], style: torch.Tensor
) -> list[Image]:
    """The pictures (h, w, 3) in the style of a vector, normalised by the moments of what they show of the scene."""
    planes = [to_planes(picture) for picture in pictures]
    step = max(-(-len(planes) // _SAMPLE), 1)
    moments = net.moments(planes[::step], style, [look.coverage for look in looks[::step]])
    return [to_image(Planes(net([picture], style, moments)[0])) for picture in planes]
