"""The test that every operator must pass."""

from __future__ import annotations

import torch

from nst3d.operators.base import ViewOperator
from nst3d.tensors import Image


def dot_test(view: ViewOperator, seed: int = 0) -> float:
    """The relative error |⟨A c, g⟩ − ⟨c, Aᵀ g⟩| / (‖A c‖ ‖g‖) for random c and g, in float64.

    It is zero up to rounding if and only if `adjoint` is the transpose of `apply`.
    """
    generator = torch.Generator().manual_seed(seed)
    colours = torch.randn(view.num_colours, 3, generator=generator, dtype=torch.float64)
    image = Image(torch.randn(*view.size, 3, generator=generator, dtype=torch.float64))
    forward = view.apply(colours)
    backward = view.adjoint(image)
    gap = (forward * image).sum() - (colours * backward).sum()
    return float(gap.abs() / (forward.norm() * image.norm()).clamp_min(1e-300))
