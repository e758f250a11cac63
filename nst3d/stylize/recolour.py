"""Palette transfer on a colour table: exact in every view, because every view reads the table."""

from __future__ import annotations

import torch

from nst3d.images.palette import match_palette
from nst3d.stylize.canvas import Canvas
from nst3d.tensors import Colours


def to_palette(
    colours: Colours,
    palette: Colours | None,
    weights: torch.Tensor | None = None,
    strength: float = 1.0,
    seen: Colours | None = None,
) -> Colours:
    """The table (n, 3) with the mean and covariance of a `palette` (k, 3), clamped to [0, 1]; None: its own.

    `weights` (n,) weight the rows in the table's own statistics: their coverage, so that colours that no view
    sees do not count. With `seen` (k, 3), the pixels of views, which mix rows, it is their mean and
    covariance that become the style's, and `weights` (k,) are theirs. `strength` in [0, 1] interpolates from
    no change to the full transfer.
    """
    source = colours if seen is None else seen
    mapped = match_palette(source, palette if palette is None else palette.to(source), weights).apply(colours)
    return torch.lerp(colours, mapped, strength).clamp(0, 1)


def seen_colours(canvas: Canvas, limit: int = 500_000) -> tuple[Colours, torch.Tensor]:
    """Colours (k, 3) of about `limit` evenly spread pixels of the views, and their opacity (k,)."""
    colours, weights = [], []
    for view in range(canvas.num_views):
        coverage = canvas.coverage(view).reshape(-1)
        stride = max(1, len(coverage) * canvas.num_views // limit)
        image = canvas.render(view, coverage.new_zeros(3)).detach().flatten(1).T
        weights.append(coverage[::stride].to(image))
        colours.append(image[::stride] / weights[-1].clamp_min(1e-6)[:, None])
    return torch.cat(colours), torch.cat(weights)
