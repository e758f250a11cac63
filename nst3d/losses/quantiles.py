"""Optimal transport of numbers: sorted values are matched rank by rank."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.tensors import Array


def quantiles(ordered: torch.Tensor, count: int) -> torch.Tensor:
    """The quantiles (m, count) of m ascending samples (m, s), at the fractions (i + 1/2) / count.

    Interpolated linearly; `ordered` itself if s = count.
    """
    own = ordered.shape[1]
    if own == count:
        return ordered
    place = (torch.arange(count, dtype=torch.float64) + 0.5) * (own / count) - 0.5
    low = place.clamp(0, own - 1).floor().long()
    share = (place.clamp(0, own - 1) - low).to(ordered)
    low = low.to(ordered.device)
    high = (low + 1).clamp_max(own - 1)
    return torch.lerp(ordered[:, low], ordered[:, high], share)


def rank_distance(values: torch.Tensor, ordered: torch.Tensor) -> torch.Tensor:
    """The mean squared distance of m samples (m, n) to m others (m, s), ascending, each value to that of its rank.

    This is the squared Wasserstein-2 distance of the samples, averaged over m. Returns a scalar.
    """
    wanted = torch.empty_like(values, requires_grad=False)
    wanted.scatter_(1, ascending(values.detach()), quantiles(ordered, values.shape[1]).to(values))
    return (values - wanted).square().mean()


def in_order(values: torch.Tensor) -> torch.Tensor:
    """Each row of (m, n) sorted, ascending."""
    if _in_numpy(values):
        return torch.from_numpy(np.sort(values.numpy(), axis=1))
    return values.sort(1).values


def ascending(values: torch.Tensor) -> torch.Tensor:
    """The indices (m, n) int64 that sort each row of (m, n)."""
    if not _in_numpy(values):
        return values.argsort(1)
    if values.dtype == torch.float64:
        return torch.from_numpy(np.argsort(values.numpy(), axis=1))
    return torch.from_numpy(_ascending(np.ascontiguousarray(values.numpy())))


def _ascending(values: Array) -> Array:
    """`ascending` of float32: sorts whole numbers that hold a value above its index.

    Unlike NumPy's `argsort` this does not slow down for equal values, of which features have many: it takes a third of
    the time then, and a sixth if values have no more digits than bfloat16 has, so that both share 32 bits. Equal values
    follow each other at random: in scan order, an even area would get a ramp from its top to its bottom.
    """
    bits = values.view(np.int32)
    keys = bits ^ (bits >> 31 & 0x7FFFFFFF)  # whole numbers in the order of the values
    order = np.random.default_rng(0).permutation(values.shape[1])
    index = np.argsort(order)
    if len(index) <= 1 << 16 and not (bits & 0xFFFF).any():
        short = keys & -0x10000 | index.astype(np.int32)
        short.sort(axis=1)
        return order.take(short & 0xFFFF)
    long = keys.astype(np.int64) << 32 | index
    long.sort(axis=1)
    return order.take(long & 0xFFFFFFFF)


def _in_numpy(values: torch.Tensor) -> bool:
    """Whether NumPy can sort them, which it does with vector instructions: ten times faster than PyTorch."""
    return values.device.type == "cpu" and values.dtype in (torch.float32, torch.float64)
