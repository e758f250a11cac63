"""Excess: fine waves stronger than those of styles and content, which an encoder of features hardly sees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import final

import torch
import torch.nn.functional as F

from nst3d.losses.base import Loss, precise
from nst3d.losses.observation import IMAGE, Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.tensors import Features, Mask, Planes

_WINDOW, _STRIDE = 16, 8
_MARGIN = 4
"""How far the second blur reaches."""
_UNIT = 8 / 255
"""The amplitude that counts as 1: eight levels."""
_FLAT = 1e-8
"""Added to powers, so that the slope of their root stays finite in flat windows."""


def fine_powers(planes: Planes) -> torch.Tensor:
    """The power (6, n) of fine waves in the n windows of 16 x 16 pixels, half overlapping, of (3, h, w).

    Of light, red to green, and blue to yellow, first in waves up to about four pixels, then up to about eight: the mean
    squares of an image's difference to a blurred one, and of that one's to one blurred more.
    """
    red, green, blue = precise(planes)
    light = (red + green + blue) / math.sqrt(3)
    colours = (red - green) / math.sqrt(2), (red + green - 2 * blue) / math.sqrt(6)
    sharp = torch.stack([light, *colours])
    height, width = (n // 2 * 2 for n in sharp.shape[1:])
    soft = _blurred(sharp)
    half = soft[:, :height:2, :width:2]  # what blurring left has no finer waves than this holds
    return torch.cat(
        [
            F.avg_pool2d((sharp - soft).square(), _WINDOW, _STRIDE),
            F.avg_pool2d((half - _blurred(half)).square(), _WINDOW // 2, _STRIDE // 2),
        ]
    ).flatten(1)


def _blurred(planes: torch.Tensor) -> torch.Tensor:
    """Planes (n, h, w) under the binomial filter of five taps."""
    blurred = F.pad(planes[None], (2,) * 4, mode="replicate")[0]
    for axis in (1, 2):  # by slices, which a CPU adds faster than it convolves single planes
        for _ in range(4):
            count = blurred.shape[axis] - 1
            blurred = (blurred.narrow(axis, 0, count) + blurred.narrow(axis, 1, count)) / 2
    return blurred


def covered_windows(mask: Mask) -> torch.Tensor:
    """Which of the windows (n,) lie in a mask (h, w) throughout, with the pixels that blurring mixes into them."""
    around = _WINDOW + 2 * _MARGIN
    return -F.max_pool2d(-mask[None].float(), around, _STRIDE, _MARGIN).flatten() > 0.5


def excess(powers: torch.Tensor, usual: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """By how much fine waves exceed what styles and content account for: mean squares of amplitudes over 8 levels.

    `powers` (6, n) are those of the picture's windows, `usual` (6, m) of the styles', in ascending order, and `kept`
    (6, n) of the content's. A window is compared with the larger of the content's in its place and the styles' at its
    rank, so that quiet windows become as quiet as the style's, and busy ones may stay as busy. Returns a scalar.
    """
    count, known = powers.shape[1], usual.shape[1]
    ranks = powers.detach().argsort(1).argsort(1)
    allowed = torch.maximum(usual.gather(1, (2 * ranks + 1) * known // (2 * count)), kept)
    over = ((powers + _FLAT).sqrt() - (allowed + _FLAT).sqrt()).clamp_min(0) / _UNIT
    return over.square().sum(0).mean()


@final
class ExcessLoss(Loss):
    """The fine waves of a view beyond those of styles and content, within its coverage."""

    def __init__(
        self,
        pictures: Sequence[tuple[Planes, Mask | None]],
        contents: Mapping[int, Mapping[str, Features]],
    ) -> None:
        """`pictures` are the styles' (3, h, w) and their opacities; `contents` maps a view to its content's image.

        ValueError without a window of 16 x 16 opaque pixels.
        """
        super().__init__()
        self.layers = (IMAGE,)
        usual = [
            fine_powers(p)[:, slice(None) if opacity is None else covered_windows(opacity)]
            for p, opacity in pictures
            if min(p.shape[1:]) >= _WINDOW
        ]
        self.usual = torch.cat(usual, 1).sort(1).values if usual else torch.empty(6, 0)
        if not self.usual.shape[1]:
            raise ValueError("the styles have no window of 16 x 16 opaque pixels")
        self.contents = contents
        self._kept: dict[int, torch.Tensor] = {}

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar; 0 for a view without a covered window."""
        image, mask = Planes(observation.features[IMAGE]), observation.mask(IMAGE)
        if min(image.shape[1:]) < _WINDOW:
            return precise(image).sum() * 0
        powers = observation.once("fine powers", lambda: fine_powers(image))
        kept = self._kept_of(observation.view, image)
        if mask is not None:
            seen = covered_windows(mask)
            powers, kept = powers[:, seen], kept[:, seen]
        return excess(powers, self.usual, kept) if powers.shape[1] else powers.sum()

    @torch.no_grad()
    def _kept_of(self, view: int, image: Planes) -> torch.Tensor:
        if view not in self._kept:
            self._kept[view] = fine_powers(Planes(self.contents[view][IMAGE].to(image)))
        return self._kept[view]


def _make(inputs: LossInputs) -> Loss | None:
    try:
        return ExcessLoss(inputs.pictures(), inputs.contents((IMAGE,)))
    except ValueError:
        return None  # a style of slivers


register_loss("excess", _make, aim="views")
