"""Words that act in some steps, and in some layers more than in others."""

from __future__ import annotations

from collections.abc import Collection
from typing import final

import torch

from nst3d.stylize.diffusion.attention import Layer, Rule


@final
class LayeredWords(Rule):
    """What layers read: s words + (1 − s) source, with s by step and by the depth of the layer.

    After Zhang et al. 2024, "Towards highly realistic artistic style transfer via stable diffusion with step-aware and
    layer-aware prompt", who learn a prompt of its own for ranges of steps and of layers from pictures of a style. **No
    prompt is learned here:** words are the user's, and their strength alone depends on step and layer. That layers read
    different texts is also P+ (Voynov et al. 2023), where coarse layers decide on shapes and fine ones on appearance.
    """

    def __init__(self, source: torch.Tensor, coarse: float, fine: float, acting: Collection[int]) -> None:
        """`source` (1, tokens, c) is read where words do not act, which is at all steps but those `acting`.

        `coarse` and `fine` are the words' shares in the layers of these depths; what lies between changes linearly.
        """
        self.step = -1
        """The step that is taken now."""
        self._source, self._coarse, self._fine, self._acting = source, coarse, fine, acting

    def words(self, layer: Layer, rows: torch.Tensor) -> torch.Tensor:
        """The same, with the mixture in the row with the words."""
        share = self._fine + (self._coarse - self._fine) * layer.depth if self.step in self._acting else 0.0
        if share == 1:
            return rows
        mixed = torch.lerp(self._source.to(rows), rows[-1:], share)
        return torch.cat([rows[:-1], mixed])
