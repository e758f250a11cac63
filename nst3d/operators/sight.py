"""How well views see each colour, not just how many pixels do."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.operators.base import ViewOperator
from nst3d.tensors import Colours, Image, ImageSize

_PROBES = 3
"""Products with the transpose take three channels at once."""


def squared_sight(
    views: Sequence[ViewOperator], num_colours: int, seed: int = 0, rim: float = 0.0
) -> Colours:
    """An estimate of Σ w² over all pixels of the views, (n, 1) float32: the diagonal of Σ AᵀA.

    Σ w measures how much of the images a colour makes up, be it a little of many pixels or all of a few; Σ w²
    separates haze in front of a surface, which has only a small share of any pixel, from the surface itself.
    The estimate is the mean of (Aᵀ z)² for random signs z (Bekas, Kokiopoulou & Saad 2007, "An estimator for
    the diagonal of a matrix"): exact for colours seen by one pixel, and 0 for unseen ones. Each view is used
    once. With `rim`, a fraction of a view's short side, weights fall linearly to 0 over a rim of that width.
    """
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(num_colours, 1)
    for index in range(len(views)):
        view = views[index]
        signs = torch.randint(0, 2, (*view.size, _PROBES), generator=generator) * 2.0 - 1.0
        if rim > 0:
            signs *= _ramp(view.size, rim * min(view.size))
        total += view.adjoint(Image(signs)).square().mean(1, keepdim=True)
    return total


def _ramp(size: ImageSize, width: float) -> torch.Tensor:
    """Distance (h, w, 1) of pixel centres from the nearest border, in units of `width` pixels, at most 1."""
    y, x = (torch.arange(n) + 0.5 for n in size)
    down, along = torch.minimum(y, size.height - y), torch.minimum(x, size.width - x)
    return (torch.minimum(down[:, None], along) / width).clamp(max=1)[..., None]
