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
    sharp = torch.stack([light, *colours])[:, None]
    soft = _blurred(sharp, 1)
    softer = _blurred(soft, 2)
    fine = torch.cat([sharp - soft, soft - softer])
    return F.avg_pool2d(fine.square(), _WINDOW, _STRIDE)[:, 0].flatten(1)


def _blurred(planes: torch.Tensor, step: int) -> torch.Tensor:
    """Planes (n, 1, h, w) under the binomial filter of five taps, `step` pixels apart."""
    taps = planes.new_tensor([1, 4, 6, 4, 1]) / 16
    padded = F.pad(planes, (2 * step,) * 4, mode="replicate")
    across = F.conv2d(padded, taps.view(1, 1, 1, 5), dilation=step)
    return F.conv2d(across, taps.view(1, 1, 5, 1), dilation=step)


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

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar; 0 for a view without a covered window."""
        image, mask = Planes(observation.features[IMAGE]), observation.mask(IMAGE)
        if min(image.shape[1:]) < _WINDOW:
            return precise(image).sum() * 0
        powers = fine_powers(image)
        with torch.no_grad():
            kept = fine_powers(Planes(self.contents[observation.view][IMAGE].to(image)))
        if mask is not None:
            seen = covered_windows(mask)
            powers, kept = powers[:, seen], kept[:, seen]
        return excess(powers, self.usual, kept) if powers.shape[1] else powers.sum()


def _make(inputs: LossInputs) -> Loss | None:
    try:
        return ExcessLoss(inputs.pictures(), inputs.contents((IMAGE,)))
    except ValueError:
        return None  # a style of slivers


register_loss("excess", _make)
