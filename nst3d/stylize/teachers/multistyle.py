"""The teacher that paints in 26 styles of its own, and mixtures of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.networks.conditional import ConditionalNet
from nst3d.networks.multistyle import STYLES, load_multistyle
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.multistyle_looks import LOOKS
from nst3d.stylize.teachers.pooled import NormalisedTeacher
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image

_NAME = "multistyle"
OWN = {f"{_NAME} {number} {name}": number for number, (name, _) in enumerate(LOOKS)}
"""The network's styles by the names that styles of a job have which are these."""


@final
class Multistyle:
    """Pictures in the network's own styles; pictures of the job's styles give only the background."""

    def __init__(self, network: ConditionalNet, styles: str = "") -> None:
        """`styles` are numbers with weights (see `mixture`); "": those that are named among the job's (see `named`)."""
        self._network, self._mixture = network, mixture(styles) if styles else None

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures, all painted with one normalisation, so that views agree."""
        return self.prepared(pictures, looks, styles).teach(pictures, looks, styles)

    def prepared(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> NormalisedTeacher:
        """A teacher with the normalisation of these pictures."""
        network = self._network.to(pictures[0].device)
        weights = named(styles) if self._mixture is None else self._mixture
        return NormalisedTeacher(network, weights.to(pictures[0]), pictures, looks)


def mixture(styles: str) -> torch.Tensor:
    """The weights (26,), with sum 1, that "7" or "3:0.5,12:1.5" (number:weight) mean. ConfigError for other words."""
    weights = torch.zeros(STYLES)
    for part in styles.split(","):
        number, _, weight = part.partition(":")
        try:
            index, share = int(number), float(weight or 1)
        except ValueError:
            index, share = -1, 0.0
        if not 0 <= index < STYLES or not 0 < share < 1e6:
            raise ConfigError(
                f"teacher multistyle: styles is {styles!r}: expected numbers from 0 to {STYLES - 1}, with weights"
                " above 0 if there are several, such as '7' or '3:0.5,12:1.5'"
            )
        weights[index] += share
    return weights / weights.sum()


def named(styles: Sequence[Style]) -> torch.Tensor:
    """The weights (26,), with sum 1, of the network's own among the styles, by their names; of style 0 without any."""
    weights = torch.zeros(STYLES)
    for style in styles:
        if style.taught and style.name in OWN:
            weights[OWN[style.name]] += style.weight
    return weights / weights.sum() if bool(weights.any()) else mixture("0")


def _make(options: Mapping[str, Any]) -> Multistyle:
    if options["styles"]:
        mixture(options["styles"])  # a mistake is named before files are read
    return Multistyle(load_multistyle(), options["styles"])


def _ready(options: Mapping[str, Any], styles: Sequence[Style]) -> list[str]:
    """ConfigError for a style that only a teacher knows, but not this one."""
    for style in styles:
        if style.taught and not style.images and style.name not in (*OWN, _NAME) and not options["styles"]:
            first, second = list(OWN)[:2]
            raise ConfigError(
                f"teacher {_NAME} knows no style {style.name!r}: its own are {first!r}, {second!r} and so on"
                " (docs/words_and_sounds.md)"
            )
    return []


def _captions(options: Mapping[str, Any]) -> dict[str, str]:
    """What its styles look like, unless the options say in which it paints."""
    return {} if options["styles"] else {name: LOOKS[number][1] for name, number in OWN.items()}


register_teacher(_NAME, _make, {"styles": ""}, needs_style=False, ready=_ready, captions=_captions)
