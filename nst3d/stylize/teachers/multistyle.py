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
from nst3d.stylize.teachers.pooled import NormalisedTeacher
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image


@final
class Multistyle:
    """Pictures in the network's own styles; the job's style gives only the background."""

    def __init__(self, network: ConditionalNet, styles: str = "0") -> None:
        """`styles` are numbers with weights (see `mixture`)."""
        self._network, self._mixture = network, mixture(styles)

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
        return NormalisedTeacher(network, self._mixture.to(pictures[0]), pictures, looks)


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


def _make(options: Mapping[str, Any]) -> Multistyle:
    mixture(options["styles"])  # a mistake is named before files are read
    return Multistyle(load_multistyle(), options["styles"])


register_teacher("multistyle", _make, {"styles": "0"})
