"""Features as rows, one for each position that counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from nst3d.tensors import Features, Mask


def covered_rows(features: Features, mask: Mask | None = None) -> torch.Tensor:
    """The feature vectors (k, c) of the positions that `mask` (h, w) covers (above 0.5), in scan order.

    `features` is (c, h, w); without a mask all h * w positions count. In channels-last memory only positions
    that count are copied. Differentiable; positions outside get a gradient of exactly 0.
    """
    rows = _all_rows(features)
    return rows if mask is None else take_rows(rows, covered_positions(mask))


def rows_of_regions(features: Features, masks: Sequence[Mask | None]) -> tuple[torch.Tensor, ...]:
    """`covered_rows` of (c, h, w) for each of several masks (h, w), with one gradient for the features, not many.

    Differentiable; positions in no mask get a gradient of exactly 0.
    """
    if len(masks) == 1:
        return (covered_rows(features, masks[0]),)
    every = torch.arange(features.shape[1:].numel(), device=features.device)
    indices = [every if mask is None else covered_positions(mask) for mask in masks]
    taken: tuple[torch.Tensor, ...] = _TakeRegions.apply(_all_rows(features), *indices)
    return taken


def covered_positions(mask: Mask) -> torch.Tensor:
    """Flat indices (k,) int64 of the positions of `mask` (h, w) above 0.5, in scan order."""
    return (mask.reshape(-1) > 0.5).nonzero()[:, 0]


def sampled_positions(
    features: Features, mask: Mask | None, most: int, generator: torch.Generator
) -> torch.Tensor:
    """Flat indices (k,) int64 of at most `most` covered positions of (c, h, w), drawn evenly, in scan order."""
    if mask is None:
        positions = torch.arange(features.shape[1:].numel(), device=features.device)
    else:
        positions = covered_positions(mask)
    if len(positions) <= most:
        return positions
    drawn = torch.randperm(len(positions), generator=generator)[:most].sort().values
    return positions[drawn.to(positions.device)]


def spread_positions(count: int, share: float) -> torch.Tensor:
    """About `share` in [0, 1] of the indices below `count`, spread evenly, (k,) int64; at least one."""
    return torch.linspace(0, count - 1, max(1, round(count * share))).long()


def rows_at(features: Features, positions: torch.Tensor) -> torch.Tensor:
    """The feature vectors (k, c) of (c, h, w) at distinct flat indices (k,)."""
    return take_rows(_all_rows(features), positions)


def take_rows(rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """The rows (k, c) of (n, c) at distinct indices (k,). Differentiable."""
    taken: torch.Tensor = _TakeRows.apply(rows, index)
    return taken


def _all_rows(features: Features) -> torch.Tensor:
    return features.permute(1, 2, 0).reshape(-1, features.shape[0])


class _TakeRows(torch.autograd.Function):
    """Rows at distinct indices, whose backward copies; that of indexing adds, which is ten times slower."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(index)
        ctx.shape = rows.shape
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (index,) = ctx.saved_tensors
        return grads[0].new_zeros(ctx.shape).index_copy_(0, index, grads[0]), None


class _TakeRegions(torch.autograd.Function):
    """Rows at several sets of distinct indices; the backward adds them into one gradient."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, *indices: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(*indices)
        ctx.shape = rows.shape
        ctx.set_materialize_grads(False)
        return tuple(rows.index_select(0, index) for index in indices)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        total = None
        for index, grad in zip(ctx.saved_tensors, grads):
            if grad is None:
                continue
            if total is None:
                total = grad.new_zeros(ctx.shape)
            # Regions hardly overlap, but may. Reading back and copying is faster than adding at indices.
            total.index_copy_(0, index, total.index_select(0, index) + grad)
        return total, *[None] * len(grads)
