"""The grid of a field during fitting: its nodes, and their refinement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.renderers.march import EMPTY, frame_of, free_blocks
from nst3d.representations.field import Space
from nst3d.tensors import Array

Shape = tuple[int, int, int]
SOFT_EMPTY = np.float32(EMPTY["softplus"])


@dataclass
class FitGrid:
    """Nodes and their parameters."""

    space: Space
    links: Array
    density: Array
    """(n,) float32, raw."""
    colours: Array
    """(n, 3k) float32: colour, followed by the coefficients of the higher harmonics."""
    scale: float
    """Density = scale × softplus(raw)."""
    near: float = 0.0
    """Depth at which rays start."""

    def __post_init__(self) -> None:
        self.nodes = np.argwhere(self.links >= 0).astype(np.int32)
        self.squares = np.zeros((len(self.density), 1 + self.colours.shape[1]), np.float32)
        self._frame = frame_of(self.space, self.shape, self.near)
        self._free = free_blocks(self.links)

    def __len__(self) -> int:
        return len(self.density)

    @property
    def shape(self) -> Shape:
        """Number of nodes along each axis."""
        x, y, z = self.links.shape
        return x, y, z

    @property
    def degree(self) -> int:
        """Degree of the harmonics."""
        return round((self.colours.shape[1] / 3) ** 0.5) - 1

    @property
    def kernel_grid(self) -> tuple[Any, ...]:
        """The grid in the kernels' form."""
        return self._frame, self.links, self._free, SOFT_EMPTY, True, np.float32(self.scale)


def first_grid(space: Space, shape: Shape, start: Array, scale: float, near: float) -> FitGrid:
    """A full grid whose nodes all have the raw density and the colours `start` (1 + 3k,)."""
    links = _numbered(np.ones(shape, bool))
    density = np.full(links.size, start[0], np.float32)
    colours = np.repeat(start[None, 1:].astype(np.float32), links.size, axis=0)
    return FitGrid(space, links, density, colours, scale, near)


def refined(grid: FitGrid, shape: Shape, keep: Array, degree: int) -> FitGrid:
    """The grid interpolated to `shape` nodes, around the old nodes selected by `keep` (n,).

    New harmonics up to `degree` start at zero.
    """
    mask = np.zeros(grid.shape, bool)
    mask[grid.links >= 0] = keep
    mask = _grown(mask)
    nearest = [_nearest(new, old) for new, old in zip(shape, grid.shape)]
    mask = mask[np.ix_(*nearest)]
    if grid.space.contracted:
        mask |= _shell(shape)
    density, colours = _interpolated(grid, np.argwhere(mask), shape)
    missing = 3 * (degree + 1) ** 2 - colours.shape[1]
    colours = np.pad(colours, ((0, 0), (0, max(missing, 0))))
    return FitGrid(grid.space, _numbered(mask), density, colours, grid.scale, grid.near)


def pruned(grid: FitGrid, keep: Array) -> FitGrid:
    """The grid reduced to the nodes selected by `keep` (n,) and their neighbours."""
    mask = np.zeros(grid.shape, bool)
    mask[grid.links >= 0] = keep
    mask = _grown(mask) & (grid.links >= 0)
    if grid.space.contracted:
        mask |= _shell(grid.shape) & (grid.links >= 0)
    rows = grid.links[mask]
    density, colours = grid.density[rows], grid.colours[rows]
    smaller = FitGrid(grid.space, _numbered(mask), density, colours, grid.scale, grid.near)
    smaller.squares = grid.squares[rows]
    return smaller


def z_order(nodes: Array) -> Array:
    """Indices (n,) int64 that sort nodes (n, 3), each coordinate below 2²¹, along a Z-order curve (Morton 1966).

    Nodes that are close in space are then mostly close in memory, which suits rays that read neighbours.
    """
    key = np.zeros(len(nodes), np.int64)
    for bit in range(int(nodes.max(initial=0)).bit_length()):
        for axis in range(3):
            key |= (nodes[:, axis].astype(np.int64) >> bit & 1) << (3 * bit + axis)
    return np.argsort(key, kind="stable")


def _nearest(new: int, old: int) -> Array:
    return np.clip(np.rint((np.arange(new) + 0.5) / new * old - 0.5), 0, old - 1).astype(np.int64)


def _numbered(mask: Array) -> Array:
    links = np.full(mask.shape, -1, np.int32)
    links[mask] = np.arange(int(mask.sum()), dtype=np.int32)
    return links


def _grown(mask: Array) -> Array:
    volume = torch.from_numpy(mask)[None, None].float()
    return np.asarray(F.max_pool3d(volume, 3, 1, 1)[0, 0].numpy() > 0)


def _shell(shape: Shape) -> Array:
    """Mask of the outermost two layers, which represent infinity and are never empty."""
    mask = np.ones(shape, bool)
    mask[2:-2, 2:-2, 2:-2] = False
    return mask


def _interpolated(grid: FitGrid, nodes: Array, shape: Shape) -> tuple[Array, Array]:
    """Density (m,) and colours (m, 3k) at the nodes (m, 3) of a finer grid."""
    where = ((nodes + 0.5) / np.asarray(shape) * 2 - 1).astype(np.float32)
    places = torch.from_numpy(where[:, ::-1].copy())[None, None, None]
    colours = np.empty((len(nodes), grid.colours.shape[1]), np.float32)
    for channel, values in enumerate(grid.colours.T):  # one at a time, to save memory
        colours[:, channel] = _sampled(grid.links, values, values.mean(), places)
    return _sampled(grid.links, grid.density, SOFT_EMPTY, places), colours


def _sampled(links: Array, values: Array, empty: Any, places: torch.Tensor) -> Array:
    volume = np.full(links.shape, empty, np.float32)
    volume[links >= 0] = values
    source = torch.from_numpy(volume)[None, None]
    found = F.grid_sample(source, places, padding_mode="border", align_corners=False)
    return np.asarray(found[0, 0, 0, 0].numpy())
