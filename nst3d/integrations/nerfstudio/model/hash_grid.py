"""Interpolates hash grids and accumulates their gradients: Müller et al. 2022, Instant-NGP, section 3.

There are two table layouts: that of nerfstudio's torch implementation, and that of tiny-cuda-nn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import torch
import torch.nn.functional as F

from nst3d.kernels import kernel
from nst3d.tensors import Array

_PRIMES = (1, 2654435761, 805459861)


@dataclass(frozen=True)
class HashLevels:
    """Positions of a hash grid's levels in its table, and their resolutions; see `hashed` and `staggered`."""

    scales: Array
    """(L,) float32: number of cells along an axis."""
    starts: Array
    """(L + 1,) int64: level l has rows starts[l] … starts[l + 1], a power of two of them if hashed."""
    nodes: Array
    """(L,) int64: number of nodes along an axis of a dense level, x fastest; 0 if hashed."""
    shift: float = 0.0
    """Shift of places, cells."""

    def read(self, table: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """The features (m, L·F) of a table (rows, F) at places (m, 3) in [0, 1], ordered by level.

        Differentiable only in the table. On the CPU, threads process different levels, so that sums do not
        depend on the number of threads.
        """
        if table.device.type == "cpu" and table.dtype == torch.float32:
            result: torch.Tensor = _OnCPU.apply(table, places, self)
            return result
        rows, shares = self._corners(places)
        shares = shares.flatten(0, 1).to(table.dtype)
        features = F.embedding_bag(rows.flatten(0, 1), table, mode="sum", per_sample_weights=shares)
        return features.view(len(places), -1)

    def _corners(self, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows of the 8 corners around each place, by level (m, L, 8), and their weights."""
        device = places.device
        nodes, starts = (torch.from_numpy(a).to(device) for a in (self.nodes, self.starts))
        scaled = places[:, None, :] * torch.from_numpy(self.scales).to(places)[:, None] + self.shift
        low = scaled.floor()
        within = scaled - low
        both = torch.stack([low, low + 1]).long()
        hashed = both * torch.tensor(_PRIMES, device=device)
        laid = both * torch.stack([torch.ones_like(nodes), nodes, nodes**2], dim=1)
        parts = torch.stack([1 - within, within])
        found, shares = [], []
        for i, j, k in np.ndindex(2, 2, 2):
            row = torch.where(
                nodes > 0,
                laid[i, ..., 0] + laid[j, ..., 1] + laid[k, ..., 2],
                hashed[i, ..., 0] ^ hashed[j, ..., 1] ^ hashed[k, ..., 2],
            )
            found.append(row % starts.diff() + starts[:-1])
            shares.append(parts[i, ..., 0] * parts[j, ..., 1] * parts[k, ..., 2])
        return torch.stack(found, dim=-1), torch.stack(shares, dim=-1)


def hashed(scales: torch.Tensor, rows: int) -> HashLevels:
    """The layout of nerfstudio's torch implementation: every level is hashed into `rows`, a power of two.

    `scales` (L,) are the numbers of cells along an axis.
    """
    starts = np.arange(len(scales) + 1, dtype=np.int64) * rows
    return HashLevels(scales.cpu().numpy().astype(np.float32), starts, np.zeros(len(scales), np.int64))


def staggered(levels: int, base: int, growth: float, rows: int) -> HashLevels:
    """The layout of tiny-cuda-nn: levels whose nodes all fit into `rows`, a power of two, are not hashed.

    The coarsest of `levels` has `base` nodes along an axis, each further one `growth` times as many. Places
    are shifted by half a cell, so that nodes of different levels do not coincide.
    """
    step = np.log2(np.float32(growth))
    scales = np.exp2(np.arange(levels, dtype=np.float32) * step) * np.float32(base) - np.float32(1)
    nodes = np.ceil(scales).astype(np.int64) + 1
    whole = nodes**3
    counts = np.minimum(-(-whole // 8) * 8, rows)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return HashLevels(scales.astype(np.float32), starts, np.where(whole <= counts, nodes, 0), 0.5)


def quicken(module: torch.nn.Module) -> None:
    """Make nerfstudio's own hash grids in a module use `HashLevels`, which is many times faster on a CPU."""
    for part in module.modules():
        if type(part).__name__ == "HashEncoding" and isinstance(part.hash_table, torch.nn.Parameter):
            part.forward = _reading(part)


def _reading(encoding: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    grid = hashed(encoding.scalings, encoding.hash_table_size)

    def forward(places: torch.Tensor) -> torch.Tensor:
        flat = grid.read(encoding.hash_table, places.reshape(-1, 3))
        return flat.view(*places.shape[:-1], -1)

    return forward


class _OnCPU(torch.autograd.Function):
    """The same with compiled loops."""

    @staticmethod
    def forward(ctx: Any, table: torch.Tensor, places: torch.Tensor, grid: HashLevels) -> torch.Tensor:
        ctx.layout = (_array(places), grid.scales, grid.starts, grid.nodes, np.float32(grid.shift))
        ctx.shape = table.shape
        out = np.empty((len(places), len(grid.scales) * table.shape[1]), np.float32)
        _read(_array(table), *ctx.layout, out)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        total = np.zeros(ctx.shape, np.float32)
        _gather(_array(gradient), *ctx.layout, total)
        return torch.from_numpy(total), None, None


def _array(tensor: torch.Tensor) -> Array:
    return tensor.detach().contiguous().numpy()


@kernel(inline="always")
def _corner_rows(places, s, scale, shift, nodes, rows, found, shares):  # type: ignore[no-untyped-def]
    """The rows of the 8 corners around place s in a level, and their weights."""
    one = np.float32(1)
    x, y, z = places[s, 0] * scale + shift, places[s, 1] * scale + shift, places[s, 2] * scale + shift
    x0, y0, z0 = np.floor(x), np.floor(y), np.floor(z)
    u, v, w = x - x0, y - y0, z - z0
    for c in range(8):
        shares[c] = (u if c & 4 else one - u) * (v if c & 2 else one - v) * (w if c & 1 else one - w)
        a = np.uint32(x0 + one if c & 4 else x0)
        b = np.uint32(y0 + one if c & 2 else y0)
        d = np.uint32(z0 + one if c & 1 else z0)
        if nodes > 0:
            found[c] = (a + nodes * (b + nodes * d)) % rows
        else:
            mixed = a ^ b * np.uint32(2654435761) ^ d * np.uint32(805459861)
            found[c] = np.int64(mixed & np.uint32(rows - 1))


@kernel(parallel=True)
def _read(table, places, scales, starts, nodes, shift, out):  # type: ignore[no-untyped-def]
    width = table.shape[1]
    for level in numba.prange(len(scales)):
        found, shares = np.empty(8, np.int64), np.empty(8, np.float32)
        first, rows = starts[level], starts[level + 1] - starts[level]
        for s in range(len(places)):
            _corner_rows(places, s, scales[level], shift, nodes[level], rows, found, shares)
            for k in range(width):
                total = np.float32(0)
                for c in range(8):
                    total += shares[c] * table[first + found[c], k]
                out[s, level * width + k] = total


@kernel(parallel=True)
def _gather(gradient, places, scales, starts, nodes, shift, total):  # type: ignore[no-untyped-def]
    width = total.shape[1]
    for level in numba.prange(len(scales)):
        found, shares = np.empty(8, np.int64), np.empty(8, np.float32)
        first, rows = starts[level], starts[level + 1] - starts[level]
        for s in range(len(places)):
            _corner_rows(places, s, scales[level], shift, nodes[level], rows, found, shares)
            for c in range(8):
                for k in range(width):
                    total[first + found[c], k] += shares[c] * gradient[s, level * width + k]
