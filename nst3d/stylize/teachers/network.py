"""A trained network as a teacher: it paints each view at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.networks.style_network import StyleNetwork, load_style_network
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image, Planes, to_image, to_planes
from nst3d.value_types import is_number

_FAR = 1.5
"""Ratio of sizes from which strokes look larger or smaller than intended."""


@final
class NetworkTeacher:
    """Paints with a network that `nst3d train-style` wrote."""

    def __init__(
        self,
        network: StyleNetwork,
        mix: Mapping[str, float] | Sequence[float] | None = None,
        strength: float = 1.0,
    ) -> None:
        """`mix` are weights of the network's styles, by name or in order; None: those of the painting's styles that
        have a name in the network, or all alike if none has. `strength` is how far pictures are painted, 0 to 1.

        ConfigError for another mix or strength.
        """
        if not 0 <= strength <= 1:
            raise ConfigError(f"teacher network: strength is {strength}: expected a number from 0 to 1")
        self._network, self._strength = network, strength
        self._shares = None if mix is None else network.shares(mix)

    @torch.no_grad()
    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures as the network paints them."""
        shares = self._shares or self._shares_of(styles)
        generator = self._network.generator.to(pictures[0].device)
        return [
            Image(torch.lerp(p, to_image(generator(to_planes(p)[None], shares)[0]).to(p), self._strength))
            for p in pictures
        ]

    @torch.no_grad()
    def follow(
        self, picture: Image, look: Look, styles: Sequence[Style], memory: Planes | None
    ) -> tuple[Image, Planes | None]:
        """The picture as the network paints it after those that it remembers, if it is recurrent."""
        shares = self._shares or self._shares_of(styles)
        generator = self._network.generator.to(picture.device)
        before = None if memory is None else memory[None].to(picture)
        painted, after = generator.follow(to_planes(picture)[None], shares, before)
        shown = torch.lerp(picture, to_image(Planes(painted[0])).to(picture), self._strength)
        return Image(shown), None if after is None else Planes(after[0])

    def _shares_of(self, styles: Sequence[Style]) -> list[float]:
        known = {style.name: style.weight for style in styles if style.name in self._network.styles}
        return self._network.shares(known or dict.fromkeys(self._network.styles, 1.0))


def _make(options: Mapping[str, Any]) -> NetworkTeacher:
    mix = options["mix"]
    weights = list(mix.values()) if isinstance(mix, Mapping) else mix
    if mix is not None and not (isinstance(weights, list | tuple) and all(map(is_number, weights))):
        raise ConfigError(
            f"teacher network: option mix is {mix!r}: expected weights as {{name: weight}} or a list of numbers"
        )
    return NetworkTeacher(_network(options), mix, options["strength"])


def _notes(options: Mapping[str, Any], size: int, styles: Sequence[str]) -> list[str]:
    """A note if the network paints in other styles than these, and one if its pictures had quite another size."""
    network, notes = _network(options), list[str]()
    unknown = [name for name in styles if name not in network.styles]
    if unknown and options["mix"] is None:
        painted = [name for name in styles if name in network.styles] or network.styles
        notes.append(
            f"{options['file']}: was not trained in the style {', '.join(unknown)}; it paints in {', '.join(painted)}"
        )
    own = network.size
    if max(own, size) < _FAR * min(own, size):
        return notes
    other = "smaller" if size > own else "larger"
    return [
        *notes,
        f"{options['file']}: was trained at {own} pixels and paints views of {size}: its strokes are {other} relative"
        f" to the picture than intended; use `size={own}`, or train another at {size}",
    ]


def _network(options: Mapping[str, Any]) -> StyleNetwork:
    if not options["file"]:
        raise ConfigError("teacher network needs its option file: a network that `nst3d train-style` wrote")
    return load_style_network(options["file"])


register_teacher("network", _make, {"file": "", "mix": None, "strength": 1.0}, _notes)
