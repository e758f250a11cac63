"""Laplacian loss: Li, Xu, Nie & Liu 2017, "Laplacian-steered neural style transfer" (Lapstyle)."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F

from nst3d.losses.base import Loss, precise
from nst3d.losses.observation import IMAGE
from nst3d.losses.pooled import PooledLoss, pool_sizes, pooled
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.tensors import Mask, Planes

_FLAT = (8 / 255) ** 2
"""The power of a Laplacian, a square in the units of colours, below which a content counts as flat."""


def laplacian(planes: Planes, pool: int) -> torch.Tensor:
    """The discrete Laplacian (c, h', w') of (c, h, w), averaged over blocks of `pool` pixels, inside."""
    cells = pooled(precise(planes), pool)
    middle = cells[:, 1:-1, 1:-1]
    return cells[:, :-2, 1:-1] + cells[:, 2:, 1:-1] + cells[:, 1:-1, :-2] + cells[:, 1:-1, 2:] - 4 * middle


def _inner_cells(mask: Mask, pool: int) -> torch.Tensor:
    """Which entries (h', w') of `laplacian` read only pixels that a mask (h, w) covers."""
    cells = F.avg_pool2d((mask > 0.5).float()[None], pool)[0] >= 1
    sides = cells[:-2, 1:-1] & cells[2:, 1:-1] & cells[1:-1, :-2] & cells[1:-1, 2:]
    return sides & cells[1:-1, 1:-1]


def laplacian_loss(planes: Planes, target: Planes, pool: int, mask: Mask | None = None) -> torch.Tensor:
    """The squared distance between the Laplacians of two images (3, h, w), divided by the target's own square.

    Eq. 4 in proportion to the content: Σ (D - Dₜ)² / (Σ Dₜ² + n · 3 · (8/255)²), whose second summand keeps noise in
    flat contents from counting. Returns a scalar, at least float32; 0 if no cell and its neighbours are covered.
    """
    if min(planes.shape[1:]) < 3 * pool:
        return precise(planes[:, :0]).sum()
    ours, theirs = laplacian(planes, pool), laplacian(Planes(target.detach()), pool)
    if mask is not None:
        inside = _inner_cells(mask, pool)
        ours, theirs = ours[:, inside], theirs[:, inside]
    distance = (ours - theirs).square().sum()
    return distance / (theirs.square().sum() + theirs.numel() * _FLAT).clamp_min(_FLAT)


@final
class LaplacianLoss(PooledLoss):
    """The distance between the Laplacians of a view and its content, the mean over pool sizes.

    It keeps lines and small shapes. A constant added to the colours, or a ramp over them, does not count.
    """

    usual = (4, 16)

    def apart(self, image: Planes, target: Planes, pool: int, mask: Mask | None) -> torch.Tensor:
        """See `laplacian_loss`."""
        return laplacian_loss(image, target, pool, mask)


def _make(inputs: LossInputs) -> Loss:
    return LaplacianLoss(inputs.contents((IMAGE,)), pool_sizes(inputs.options["pools"], inputs.name))


register_loss("laplacian", _make, (), {"pools": LaplacianLoss.usual}, aim="content")
