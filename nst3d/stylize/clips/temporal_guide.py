"""Holds a frame's painting to what it takes over from the frames before."""

from __future__ import annotations

from typing import final

import torch

from nst3d.flow.carried import Carried
from nst3d.stylize.guide import Guide
from nst3d.stylize.look import Look


@final
class TemporalGuide(Guide):
    """The mean over all pixels of the squared distance to a carried picture, each pixel weighted by its trust.

    Ruder et al. 2016, the temporal loss, short-term and long-term: 1/D Σ c (x - ω)².
    """

    def __init__(self, carried: Carried, background: torch.Tensor) -> None:
        """`carried` has the size of the looks, which are rendered over `background` (3,)."""
        self._carried, self.background = carried, background

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss of a look, a scalar; 0 where its image is the carried picture."""
        difference = (look.image - self._carried.picture).square().mean(0)
        return (difference * self._carried.trust).mean(), {}
