"""How well views see each colour, beyond how many pixels do."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.operators.base import ViewOperator
from nst3d.tensors import Colours, ImageSize

_PROBES = 3
"""Products with the transposed take three channels at once."""


def squared_sight(
    views: Sequence[ViewOperator], num_colours: int, seed: int = 0, rim: float = 0.0
) -> Colours:
    """Σ w² over all pixels of the views, (n, 1) float32: the diagonal of Σ AᵀA, estimated.

    Σ w says how much of the pictures a colour makes up, be it a little of many pixels or all of a few; Σ w²
    tells a haze before a surface, which never has more than a small share of a pixel, from the surface.
    The estimate is the mean of (Aᵀ z)² for random signs z (Bekas, Kokiopoulou & Saad 2007, "An estimator for
    the diagonal of a matrix"): exact for what one pixel sees, and 0 where none does. Views are asked for once.
    With `rim`, a share of a view's short side, weights fall linearly to 0 over so wide a rim of each view.
    """
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(num_colours, 1)
    for index in range(len(views)):
        view = views[index]
        signs = torch.randint(0, 2, (*view.size, _PROBES), generator=generator) * 2.0 - 1.0
        if rim > 0:
            signs *= _ramp(view.size, rim * min(view.size))
        total += view.adjoint(signs).square().mean(1, keepdim=True)
    return total


def _ramp(size: ImageSize, width: float) -> torch.Tensor:
    """How far each pixel's centre is from the nearest border, (h, w, 1), in units of `width` pixels, at most 1."""
    y, x = (torch.arange(n) + 0.5 for n in size)
    down, along = torch.minimum(y, size.height - y), torch.minimum(x, size.width - x)
    return (torch.minimum(down[:, None], along) / width).clamp(max=1)[..., None]
