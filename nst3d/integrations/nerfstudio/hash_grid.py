"""Reads a hash grid at many places, and gathers gradients into it: Müller et al. 2022, Instant-NGP, section 3.

The layout is that of nerfstudio's torch implementation: level after level, all of them hashed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
import torch.nn.functional as F

from nst3d.kernels import kernel
from nst3d.tensors import Array

_PRIMES = (1, 2654435761, 805459861)


def grid_features(table: torch.Tensor, places: torch.Tensor, sides: torch.Tensor) -> torch.Tensor:
    """The features (m, L·F) at places (m, 3) in [0, 1] of a table (L·T, F), T a power of two; levels in turn.

    `sides` (L,) are the levels' cells along an axis. Differentiable in the table alone. On the CPU threads
    share out levels, so that sums are the same for any number of them.
    """
    if table.device.type == "cpu" and table.dtype == torch.float32:
        result: torch.Tensor = _OnCPU.apply(table, places, sides)
        return result
    rows, shares = _corners(places, sides, len(table) // len(sides))
    shares = shares.flatten(0, 1).to(table.dtype)
    features = F.embedding_bag(rows.flatten(0, 1), table, mode="sum", per_sample_weights=shares)
    return features.view(len(places), -1)


def quicken(module: torch.nn.Module) -> None:
    """Let nerfstudio's own hash grids within a module read through `grid_features`: many times faster on a CPU."""
    for part in module.modules():
        if type(part).__name__ == "HashEncoding" and isinstance(part.hash_table, torch.nn.Parameter):
            part.forward = _reading(part)


def _reading(encoding: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(places: torch.Tensor) -> torch.Tensor:
        flat = grid_features(encoding.hash_table, places.reshape(-1, 3), encoding.scalings)
        return flat.view(*places.shape[:-1], -1)

    return forward


def _corners(places: torch.Tensor, sides: torch.Tensor, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows of the 8 corners around each place, level by level (m, L, 8), and their shares."""
    scaled = places[:, None, :] * sides.to(places)[:, None]
    low = scaled.floor()
    within = scaled - low
    primes = torch.tensor(_PRIMES, device=places.device)
    hashed = torch.stack([low, scaled.ceil()]).long() * primes
    parts = torch.stack([1 - within, within])
    every = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    first = torch.arange(len(sides), device=places.device) * rows
    found = [(hashed[i, ..., 0] ^ hashed[j, ..., 1] ^ hashed[k, ..., 2]) % rows + first for i, j, k in every]
    shares = [parts[i, ..., 0] * parts[j, ..., 1] * parts[k, ..., 2] for i, j, k in every]
    return torch.stack(found, dim=-1), torch.stack(shares, dim=-1)


class _OnCPU(torch.autograd.Function):
    """The same by compiled loops."""

    @staticmethod
    def forward(ctx: Any, table: torch.Tensor, places: torch.Tensor, sides: torch.Tensor) -> torch.Tensor:
        where, wide = _array(places), _array(sides.to(places))
        ctx.where, ctx.wide, ctx.shape = where, wide, table.shape
        out = np.empty((len(where), len(wide) * table.shape[1]), np.float32)
        _read(_array(table), where, wide, out)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        total = np.zeros(ctx.shape, np.float32)
        _gather(_array(gradient), ctx.where, ctx.wide, total)
        return torch.from_numpy(total), None, None


def _array(tensor: torch.Tensor) -> Array:
    return tensor.detach().contiguous().numpy()


@kernel()
def _corner_rows(places, s, side, rows, first, found, shares):  # type: ignore[no-untyped-def]
    """The 8 rows around place s of a level, and their shares."""
    one = np.float32(1)
    x, y, z = places[s, 0] * side, places[s, 1] * side, places[s, 2] * side
    x0, y0, z0 = np.floor(x), np.floor(y), np.floor(z)
    u, v, w = x - x0, y - y0, z - z0
    for c in range(8):
        a = np.uint32(np.ceil(x) if c & 4 else x0)
        b = np.uint32(np.ceil(y) if c & 2 else y0) * np.uint32(2654435761)
        d = np.uint32(np.ceil(z) if c & 1 else z0) * np.uint32(805459861)
        found[c] = first + np.int64((a ^ b ^ d) & np.uint32(rows - 1))
        shares[c] = (u if c & 4 else one - u) * (v if c & 2 else one - v) * (w if c & 1 else one - w)


@kernel(parallel=True)
def _read(table, places, sides, out):  # type: ignore[no-untyped-def]
    rows, width = len(table) // len(sides), table.shape[1]
    for level in numba.prange(len(sides)):
        found, shares = np.empty(8, np.int64), np.empty(8, np.float32)
        for s in range(len(places)):
            _corner_rows(places, s, sides[level], rows, level * rows, found, shares)
            for k in range(width):
                total = np.float32(0)
                for c in range(8):
                    total += shares[c] * table[found[c], k]
                out[s, level * width + k] = total


@kernel(parallel=True)
def _gather(gradient, places, sides, total):  # type: ignore[no-untyped-def]
    rows, width = len(total) // len(sides), total.shape[1]
    for level in numba.prange(len(sides)):
        found, shares = np.empty(8, np.int64), np.empty(8, np.float32)
        for s in range(len(places)):
            _corner_rows(places, s, sides[level], rows, level * rows, found, shares)
            for c in range(8):
                for k in range(width):
                    total[found[c], k] += shares[c] * gradient[s, level * width + k]
