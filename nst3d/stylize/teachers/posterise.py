"""A poster of the scene: a few tones in the style's colours, with dark lines where the tone changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.images.colour import LUMA
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image

_BLUR = 5


@final
class Posterise:
    """Flat tones in the style's colours, and lines along their borders."""

    def __init__(self, levels: int = 5, lines: float = 0.6) -> None:
        """`levels` tones (2 to 32); `lines` is the darkness of the lines, 0 (none) to 1 (black)."""
        if not 2 <= levels <= 32 or not 0 <= lines <= 1:
            raise ConfigError(
                f"posterise: levels is {levels} and lines {lines}: expected 2 to 32 levels and lines from 0 to 1"
            )
        self._levels, self._lines = levels, lines

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures in the tones of the first style."""
        tones = self._tones(styles[0].palette.to(pictures[0]))
        return [self._poster(picture, tones) for picture in pictures]

    def _tones(self, palette: torch.Tensor) -> torch.Tensor:
        """The mean colours (levels, 3) of equal parts of the style's palette, from dark to light."""
        order = _luma(palette).argsort()
        return torch.stack([palette[part].mean(0) for part in order.chunk(self._levels)])

    def _poster(self, picture: Image, tones: torch.Tensor) -> Image:
        smooth = _blurred(_luma(picture))
        count = len(tones)
        level = (smooth * count).clamp(0, count - 1).floor()
        flat = tones[level.long()]
        if self._lines == 0:
            return Image(flat)
        padded = F.pad(level[None, None], (0, 1, 0, 1), mode="replicate")[0, 0]
        edge = (padded[:-1, :-1] != padded[1:, :-1]) | (padded[:-1, :-1] != padded[:-1, 1:])
        return Image(flat * (1 - self._lines * edge.to(flat))[..., None])


def _luma(colours: torch.Tensor) -> torch.Tensor:
    return colours @ colours.new_tensor(LUMA)


def _blurred(plane: torch.Tensor) -> torch.Tensor:
    padded = F.pad(plane[None, None], (_BLUR // 2,) * 4, mode="replicate")
    return F.avg_pool2d(padded, _BLUR, stride=1)[0, 0]


def _make(options: Mapping[str, Any]) -> Posterise:
    return Posterise(options["levels"], options["lines"])


register_teacher("posterise", _make, {"levels": 5, "lines": 0.6})
