"""The teacher that paints in any style at once, with Magenta's networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.features.weights import load_encoder
from nst3d.images.resize import fit_long_side
from nst3d.networks.magenta import STYLE_SIZE, Magenta, load_magenta
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.pooled import NormalisedTeacher
from nst3d.stylize.teachers.refined import refined
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image, Planes, to_planes

_MOST_STEPS = 1000


@final
class MagentaTeacher:
    """Pictures in the style of a code: the mean of the styles' codes by their weights, refined for the scene."""

    def __init__(
        self, networks: Magenta, strength: float = 1.0, refine: int = 0, encoder: Encoder | None = None
    ) -> None:
        """`strength` from 0 (the pictures' own code) to 1 (the style's).

        `refine` is the number of steps on the code (see `refined`), which need an `encoder`.
        """
        self._strength, self._networks = strength, networks
        self._refine, self._encoder = refine, encoder

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures, all painted with one code and one normalisation, so that views agree."""
        return self.prepared(pictures, looks, styles).teach(pictures, looks, styles)

    @torch.no_grad()
    def prepared(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> NormalisedTeacher:
        """A teacher with the code of these styles and the normalisation of these pictures."""
        networks = self._networks.to(pictures[0].device)
        total = sum(style.weight for style in styles)
        read = [[networks.reader(Planes(p.to(pictures[0]))) for p in s.at(STYLE_SIZE)] for s in styles]
        codes = [torch.stack(of).mean(0) * (s.weight / total) for of, s in zip(read, styles)]
        code = torch.stack(codes).sum(0)
        if self._encoder is not None and self._refine:
            views = pictures, looks
            code = refined(networks.painter, self._encoder, code, views, styles, self._refine)
        if self._strength < 1:
            own = [networks.reader(to_planes(fit_long_side(p, STYLE_SIZE))) for p in pictures]
            code = torch.lerp(torch.stack(own).mean(0), code, self._strength)
        return NormalisedTeacher(networks.painter, code, pictures, looks)


def _make(options: Mapping[str, Any]) -> MagentaTeacher:
    strength = options["strength"]
    if not 0 <= strength <= 1:
        raise ConfigError(f"teacher magenta: strength is {strength:g}: expected a number from 0 to 1")
    refine = options["refine"]
    if not 0 <= refine <= _MOST_STEPS:
        raise ConfigError(
            f"teacher magenta: refine is {refine}: expected a number of steps from 0 to {_MOST_STEPS}"
        )
    return MagentaTeacher(load_magenta(), strength, refine, load_encoder() if refine else None)


register_teacher("magenta", _make, {"strength": 1.0, "refine": 0})
