"""Palette transfer on a colour table: exact in every view, because every view reads the table."""

from __future__ import annotations

import torch

from nst3d.images.palette import match_palette
from nst3d.tensors import Colours, Image


def to_palette(
    colours: Colours, style: Image, weights: torch.Tensor | None = None, strength: float = 1.0
) -> Colours:
    """The table (n, 3) with the mean and covariance of a style image (h, w, 3), clamped to [0, 1].

    `weights` (n,) say how much each row counts in the table's own statistics: its coverage, so that
    colours that no view sees have no say. `strength` in [0, 1] goes from no change to all of it.
    """
    mapped = match_palette(colours, style.reshape(-1, 3), weights).apply(colours)
    return torch.lerp(colours, mapped, strength).clamp(0, 1)
