"""A translator of pictures as a teacher: what it paints was learnt from two folders, and no style is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.networks.translator import Translator, load_translator, trained_size
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image, Planes, to_image, to_planes

_FAR = 1.5
"""Ratio of sizes from which strokes look larger or smaller than in training."""


@final
class Translate:
    """Paints each view by itself with a CycleGAN generator."""

    def __init__(self, network: Translator, strength: float = 1.0) -> None:
        """`strength` is how far pictures are painted, 0 to 1. ConfigError for another one."""
        if not 0 <= strength <= 1:
            raise ConfigError(f"teacher translate: strength is {strength}: expected a number from 0 to 1")
        self._network, self._strength = network, strength

    @torch.no_grad()
    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures as the network translates them, whatever the styles are."""
        network = self._network.to(pictures[0].device)
        painted = (to_image(Planes(network(to_planes(picture)[None])[0])) for picture in pictures)
        return [Image(torch.lerp(own, new.to(own), self._strength)) for own, new in zip(pictures, painted)]


def _make(options: Mapping[str, Any]) -> Translate:
    return Translate(load_translator(_file(options)), options["strength"])


def _notes(options: Mapping[str, Any], size: int, styles: Sequence[str]) -> list[str]:
    """A note if the network was trained on pictures of quite another size."""
    own = trained_size(_file(options))
    if own is None or max(own, size) < _FAR * min(own, size):
        return []
    return [
        f"{options['file']}: was trained on pictures of {own} pixels and paints views of {size}; with `size={own}`,"
        " what it paints is as large as in training"
    ]


def _file(options: Mapping[str, Any]) -> str:
    if not options["file"]:
        raise ConfigError(
            "teacher translate needs its option file: a CycleGAN generator, such as latest_net_G.pth, or one that"
            " `nst3d train-style` wrote with `cycle`"
        )
    return str(options["file"])


register_teacher("translate", _make, {"file": "", "strength": 1.0}, _notes, needs_style=False)
