"""Compiles and draws views of voxel radiance fields by ray marching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.operators.base import ViewOperator
from nst3d.operators.matrix_free import MatrixFreeView, Samples, quantised
from nst3d.renderers.march import EMPTY, frame_of, free_blocks
from nst3d.renderers.radiance import NOTHING, Frame, RadianceRenderer
from nst3d.renderers.voxel_kernels import collect, draw
from nst3d.representations.field import VoxelField
from nst3d.representations.harmonics import basis, faded
from nst3d.tensors import Array, Image, Share

_CAP = 96
"""Maximum number of merged samples per ray."""
_BAND = 16384
"""Rays collected at a time, which bounds temporary memory."""


@dataclass(frozen=True)
class VoxelOptions:
    """Options for marching rays and storing views."""

    step: float = 0.5
    """Distance between samples in compiled views, cells."""
    drawn_step: float = 0.8
    """Distance between samples in drawn images, cells."""
    quantum: float = 0.05
    """Weight up to which neighbouring samples in compiled views are merged at their mean position, if within
    two cells."""
    cutoff: float = 5e-3
    """Weight below which merged samples are dropped from compiled views; the others are scaled up to keep the
    opacity."""
    entry_cutoff: float = 1e-3
    """The same for the entries of a stored matrix."""
    stored_bytes: float = 0
    """Matrix size, bytes, up to which a view is stored as a matrix, which multiplies three times as fast;
    larger ones are stored as samples, in a third of the memory."""


class VoxelRenderer(RadianceRenderer):
    """Renders one voxel field."""

    def __init__(self, field: VoxelField, options: VoxelOptions | None = None) -> None:
        self.field = field
        self.num_colours = len(field)
        self._options = options or VoxelOptions()
        self._grid = _grid_of(field)

    @property
    def made_of(self) -> tuple[Any, ...]:
        """The grid, its densities, and the options."""
        f = self.field
        density = (f.density, f.activation, f.density_scale)
        return ("voxels", f.space, f.links, *density, f.near, self._options)

    @property
    def positions(self) -> Array:
        """Positions of the nodes, (n, 3), world units."""
        nodes = np.argwhere(self.field.links >= 0)
        rows = self.field.links[self.field.links >= 0]
        places = np.empty((len(self.field), 3), np.float32)
        places[rows] = self.field.space.to_world(nodes.astype(np.float64), self.field.links.shape)
        return places

    def draw(self, camera: Camera, colours: Array, specular: Share = 0.0) -> Frame:
        """The view with the nodes' colours (n, 3), plus `specular` times the field's higher harmonics."""
        origin, directions = _rays(camera)
        table = np.asarray(colours, np.float32)[:, None]
        weights = np.ones((len(directions), 1), np.float32)
        if np.any(specular) and self.field.degree > 0:
            weights = _basis(directions, self.field.degree)
            weights[:, 0] = 1
            table = np.concatenate([table, faded(self.field.harmonics[:, 1:], specular)], axis=1)
        return self._drawn(camera, (origin, directions, weights), table)

    def specular(self, camera: Camera, view: ViewOperator, share: Share = 1.0) -> Image:
        """The contribution of the higher harmonics × `share` to a view, (h, w, 3)."""
        if self.field.degree == 0:
            return Image(torch.zeros(*camera.size, 3))
        origin, directions = _rays(camera)
        weights = _basis(directions, self.field.degree)[:, 1:].copy()
        frame = self._drawn(camera, (origin, directions, weights), faded(self.field.harmonics[:, 1:], share))
        return Image(torch.from_numpy(frame.colour))

    def _drawn(self, camera: Camera, rays: tuple[Array, Array, Array], table: Array) -> Frame:
        flat = np.empty((len(rays[1]), 5), np.float32)
        draw(self._grid, rays, np.ascontiguousarray(table), self._options.drawn_step, flat)
        out = flat.reshape(*camera.size, 5)
        opacity = out[..., 3].copy()
        depth = np.where(opacity > NOTHING, out[..., 4], np.inf)
        return Frame(out[..., :3].copy(), opacity, depth.astype(np.float32))

    def compile(self, camera: Camera) -> ViewOperator:
        """The view as a linear map from the nodes' colours."""
        view = MatrixFreeView(camera.size, self.num_colours, self._samples(camera))
        # Eight corners per sample, half of them shared or dropped; two matrices of 8 bytes per entry.
        if 4 * 16 * len(view.samples.cells) > self._options.stored_bytes:
            return view
        stored = view.stored(self._options.entry_cutoff)
        return stored if stored.nbytes <= self._options.stored_bytes else view

    def _samples(self, camera: Camera) -> Samples:
        origin, directions = _rays(camera)
        parts = [self._band(origin, directions[k : k + _BAND]) for k in range(0, len(directions), _BAND)]
        counts, cells, places, weights = (np.concatenate(column) for column in zip(*parts))
        starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        cells, index = _unique(cells, self.field.links.size)
        corners = self._corners(cells)
        return Samples(starts, index, places, weights, corners)

    def _band(self, origin: Array, directions: Array) -> tuple[Array, Array, Array, Array]:
        count = len(directions)
        counts = np.zeros(count, np.int32)
        cells = np.empty((count, _CAP), np.int32)
        places = np.empty((count, _CAP, 3), np.float32)
        weights = np.empty((count, _CAP), np.float32)
        limits = (self._options.step, self._options.cutoff, self._options.quantum)
        collect(self._grid, (origin, directions), limits, counts, cells, places, weights)
        used = np.arange(_CAP) < counts[:, None]
        return counts, cells[used], quantised(places[used]), weights[used]

    def _corners(self, cells: Array) -> Array:
        """The rows at the corners (m, 8) of cells given as flat indices."""
        low = np.stack(np.unravel_index(cells, self.field.links.shape), axis=1)
        around = [self.field.links[tuple((low + shift).T)] for shift in np.ndindex(2, 2, 2)]
        return np.stack(around, axis=1)


def _grid_of(field: VoxelField) -> tuple[Any, ...]:
    """The grid in the kernels' form."""
    volume = np.full(field.links.shape, EMPTY[field.activation], np.float32)
    volume[field.links >= 0] = field.density[field.links[field.links >= 0]]
    return (
        frame_of(field.space, field.links.shape, field.near),
        np.ascontiguousarray(field.links),
        free_blocks(field.links),
        volume,
        field.activation == "softplus",
        np.float32(field.density_scale),
    )


def _rays(camera: Camera) -> tuple[Array, Array]:
    origin, directions = camera.rays()
    return np.asarray(origin, np.float64), directions.reshape(-1, 3).astype(np.float64)


def _basis(directions: Array, degree: int) -> Array:
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return basis(unit, degree).astype(np.float32)


def _unique(cells: Array, total: int) -> tuple[Array, Array]:
    """The cells that occur, in increasing order, and the index of each sample's cell among them."""
    occurs = np.zeros(total, bool)
    occurs[cells] = True
    known = np.flatnonzero(occurs)
    rank = np.empty(total, np.int32)
    rank[known] = np.arange(len(known), dtype=np.int32)
    return known, rank[cells]
