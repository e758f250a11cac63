"""Finds what no view of a mesh sees and keeps its own picture."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.images.patches import patches
from nst3d.stylize.layout import Layout
from nst3d.tensors import Array

_LARGE = 400
"""Texels of an unseen patch above which continuing the paint around it would be a smear."""


def unseen_rows(layout: Layout, valid: Array, weight: torch.Tensor) -> torch.Tensor:
    """Which rows of a table keep the asset's picture, (n,) bool.

    `valid` (n,) are the rows on the surface, `weight` (n,) in [0, 1] says how well they are seen. Unseen texels keep
    their picture if their patch is large or has nothing painted beside it; small gaps in paint are not kept, nor are
    vertices, which are painted through what is around them.
    """
    if not layout.images:
        return torch.zeros(len(weight), dtype=torch.bool)
    dark = torch.from_numpy(valid) & (weight <= 0)
    columns = torch.stack([dark, weight > 0], dim=1)
    return torch.cat(
        [_kept(*image.numpy().transpose(2, 0, 1)).reshape(-1) for image in layout.split(columns)]
    )


def _kept(dark: Array, painted: Array) -> torch.Tensor:
    """The unseen texels (h, w) of one texture that are kept."""
    number = patches(dark)
    count = int(number.max(initial=-1)) + 1
    near = painted.copy()
    near[1:] |= painted[:-1]
    near[:-1] |= painted[1:]
    near[:, 1:] |= painted[:, :-1]
    near[:, :-1] |= painted[:, 1:]
    beside = np.bincount(number[dark & near], minlength=count) > 0
    keeps = ~beside | (np.bincount(number[dark], minlength=count) > _LARGE)
    return torch.from_numpy(np.append(keeps, False)[number])
