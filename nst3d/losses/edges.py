"""Edges: gradients that run as the content's do, after the normalised gradient fields of Haber & Modersitzki 2006,
"Intensity gradient based registration and fusion of multi-modal images"."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F

from nst3d.losses.base import Loss, precise
from nst3d.losses.observation import IMAGE
from nst3d.losses.pooled import PooledLoss, pool_sizes, pooled
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.tensors import Mask, Planes

_WINDOW = 3
_FLAT = (4 / 255) ** 2
"""The power of a gradient, a square in colours per cell, below which it counts as noise."""


def structure(planes: Planes, pool: int) -> torch.Tensor:
    """The structure tensors (3, h', w') of (c, h, w) averaged over blocks of `pool` pixels: xx, yy and √2 xy.

    Sums of products of central differences over channels, averaged over windows of 3 x 3 cells. The length of such a
    vector is the tensor's Frobenius norm, whatever way the picture is turned.
    """
    cells = pooled(precise(planes), pool)
    across = (cells[:, 1:-1, 2:] - cells[:, 1:-1, :-2]) / 2
    down = (cells[:, 2:, 1:-1] - cells[:, :-2, 1:-1]) / 2
    products = [across.square().sum(0), down.square().sum(0), 2**0.5 * (across * down).sum(0)]
    return _windowed(torch.stack(products))


def _windowed(planes: torch.Tensor) -> torch.Tensor:
    """Planes (c, h, w) averaged over windows: by slices, which a CPU adds faster than it pools overlapping windows."""
    for axis in (1, 2):
        count = planes.shape[axis] - _WINDOW + 1
        planes = sum(planes.narrow(axis, k, count) for k in range(1, _WINDOW)) + planes.narrow(axis, 0, count)
    return planes / _WINDOW**2


def _inner_windows(mask: Mask, pool: int) -> torch.Tensor:
    """Which entries (h', w') of `structure` read only pixels that a mask (h, w) covers."""
    cells = F.avg_pool2d((mask > 0.5).float()[None], pool) >= 1
    return -F.max_pool2d(-cells.float(), _WINDOW + 2, 1)[0] > 0.5


def edge_loss(planes: Planes, target: Planes, pool: int = 1, mask: Mask | None = None) -> torch.Tensor:
    """How far gradients are from running along the target's, weighted by the strength of the target's: from 0 to 1.

    Σ w (1 - ⟨S, Sₜ⟩ / (|S| |Sₜ|)) / Σ w for the structure tensors S and Sₜ of two images (3, h, w), with w the root of
    |Sₜ|. For a single channel this is the squared sine between gradients, as in the paper. Where the target is flat
    nothing is asked; where only the image is flat it costs about 1. Returns a scalar, at least float32; 0 without an
    edge in the target or a covered window.
    """
    if min(planes.shape[1:]) < (_WINDOW + 2) * pool:
        return precise(planes[:, :0]).sum()
    ours, theirs = structure(planes, pool), structure(Planes(target.detach()), pool)
    if mask is not None:
        inside = _inner_windows(mask, pool)
        ours, theirs = ours[:, inside], theirs[:, inside]
    length, wanted = (ours.square().sum(0) + _FLAT**2).sqrt(), (theirs.square().sum(0) + _FLAT**2).sqrt()
    agreement = ((ours * theirs).sum(0) + _FLAT**2) / (length * wanted)
    weights = theirs.square().sum(0).sqrt().sqrt()
    return (weights * (1 - agreement)).sum() / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)


@final
class EdgesLoss(PooledLoss):
    """How far a view's edges are from running where its content's do, the mean over pool sizes.

    It keeps outlines and lets colours go: neither a constant, nor contrast, nor light turned to dark counts.
    """

    usual = (1, 2)

    def apart(self, image: Planes, target: Planes, pool: int, mask: Mask | None) -> torch.Tensor:
        """See `edge_loss`."""
        return edge_loss(image, target, pool, mask)


def _make(inputs: LossInputs) -> Loss:
    return EdgesLoss(inputs.contents((IMAGE,)), pool_sizes(inputs.options["pools"], inputs.name))


register_loss("edges", _make, (), {"pools": EdgesLoss.usual}, aim="content")
