"""Renders Gaussian splats: views as linear maps, and single frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.operators.base import ViewOperator
from nst3d.operators.sparse import Csr, SparseView
from nst3d.renderers.radiance import NOTHING, Frame, RadianceRenderer
from nst3d.renderers.splat_composite import count_tiles, draw_tiles, fill_tiles
from nst3d.renderers.splat_project import MIN_ALPHA, Footprints, Projection, near_plane, project
from nst3d.renderers.splat_tiles import TileIndex
from nst3d.representations.harmonics import basis, faded
from nst3d.representations.splats import Splats
from nst3d.tensors import Array, Image, Share

_CHUNK = 1 << 16
"""Number of splats whose harmonics are evaluated at a time."""


@dataclass(frozen=True)
class SplatOptions(Projection):
    """Options for rendering splats."""

    cutoff: float = 1 / 512
    """Weight below which compiled views drop entries and scale up the pixel's others; 0 keeps all.

    It is at most 1/255, so that a pixel's nearest splat is always kept and coverage does not change. 1/512
    drops a third to a half of the entries; images stay within 53 dB PSNR of the full sum.
    """
    batch: int = 1 << 24
    """Maximum number of tile-list entries in memory, 4 bytes each."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid values."""
        if not 0 <= self.cutoff <= MIN_ALPHA:
            raise ConfigError(f"cutoff is {self.cutoff}: choose a number from 0 to 1/255")


@dataclass(frozen=True)
class _Plan:
    """Results of the first pass over a view."""

    footprints: Footprints
    index: TileIndex
    counts: Array  # (h, w) int64
    gains: Array  # (h, w) float32


class SplatRenderer(RadianceRenderer):
    """Compiles and draws views of splats as in 3D Gaussian splatting (Kerbl et al. 2023).

    Footprints are blurred by 0.3 pixels², alpha is at most 0.999 and is 0 where it would be below 1/255, and
    a pixel is finished before the splat that would leave less than 1e-4 of its light. Splats are sorted by
    the depth of their centres; equal depths keep the table's order. Results are the same for any number of
    threads. Memory, besides the scene: about 250 bytes per splat in view, and the lists of
    `SplatOptions.batch`.
    """

    def __init__(self, splats: Splats, options: SplatOptions | None = None) -> None:
        """`options` None: the defaults, with a near plane that suits the scene's size."""
        self.splats = splats
        self.options = options or SplatOptions(near_plane(splats), splats.antialiased)
        self.num_colours = len(splats)

    @property
    def made_of(self) -> tuple[Any, ...] | None:
        """The splats' shapes and opacities, and the options."""
        s = self.splats
        return (type(self).__name__, s.positions, s.scales, s.rotations, s.opacities, self.options)

    @property
    def positions(self) -> Array:
        """The splats' centres, (n, 3), world units."""
        return self.splats.positions

    def compile(self, camera: Camera) -> SparseView:
        """The view as a linear map from the splats' colours (n, 3), without view-dependence."""
        plan = self._plan(camera)
        counts = plan.counts.reshape(-1)
        pixels = np.flatnonzero(counts).astype(np.int32)
        ends = np.cumsum(counts)
        starts = np.concatenate([[0], ends[pixels]])
        columns, weights = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
        cursors = (ends - counts).reshape(plan.counts.shape)
        out = (cursors, columns, weights)
        cutoff = np.float32(self.options.cutoff)
        for tiles in plan.index.lists(self.options.batch):
            fill_tiles(plan.footprints.table, tiles, plan.index.across, cutoff, plan.gains, *out)
        matrix = Csr(starts, plan.footprints.splats[columns], weights)
        return SparseView(camera.size, self.num_colours, pixels, matrix)

    def draw(self, camera: Camera, colours: Array, specular: Share = 0.0) -> Frame:
        """The view with the splats' colours (n, 3), plus `specular` times their own higher harmonics.

        With view-dependence, each splat's colour is clamped from below at 0, as in Kerbl et al. 2023, so the
        result is not quite linear in the colours.
        """
        footprints = self._project(camera)
        shown = self._shown_colours(camera, footprints.splats, colours, specular)
        paint = np.column_stack([shown, footprints.depths])
        out = np.zeros((*camera.size, 5), np.float32)
        index = TileIndex(footprints, camera.size)
        for tiles in index.lists(self.options.batch):
            draw_tiles(footprints.table, paint, tiles, index.across, out)
        opacity = np.ascontiguousarray(out[..., 3])
        # Where the opacity exceeds one half, the kernel wrote the depth, elsewhere a weighted sum.
        share = np.where(opacity > np.float32(0.5), np.float32(1), np.maximum(opacity, np.float32(NOTHING)))
        depth = np.where(opacity < np.float32(NOTHING), np.float32(np.inf), out[..., 4] / share)
        return Frame(np.ascontiguousarray(out[..., :3]), opacity, depth)

    def specular(self, camera: Camera, view: ViewOperator, share: Share = 1.0) -> Image:
        """The contribution of the scene's higher harmonics × `share` to a compiled view, (h, w, 3), unclamped."""
        table = np.zeros((self.num_colours, 3), np.float32)
        self._add_harmonics(camera, np.arange(self.num_colours), share, table)
        return view.apply(torch.from_numpy(table))

    def _shown_colours(self, camera: Camera, rows: Array, colours: Array, specular: Share) -> Array:
        """The colours of the splats `rows` seen from a camera, (m, 3) float32."""
        shown = np.asarray(colours)[rows].astype(np.float32)
        if np.any(specular):
            self._add_harmonics(camera, rows, specular, shown)
            np.maximum(shown, 0, out=shown)
        return shown

    def _add_harmonics(self, camera: Camera, rows: Array, share: Share, table: Array) -> None:
        """Add Σ basis · coefficient of degree 1 and up to a table (m, 3) of the splats `rows`."""
        splats = self.splats
        if splats.degree == 0:
            return
        kept = np.asarray(share, np.float32)
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            away = splats.positions[part] - camera.position
            away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
            values = faded(
                basis(away.astype(np.float32), splats.degree)[:, 1:], kept[part] if kept.ndim else kept
            )
            table[start : start + _CHUNK] += np.einsum("nk,nkc->nc", values, splats.harmonics[part, 1:])

    def _project(self, camera: Camera) -> Footprints:
        return project(self.splats, camera, self.options)

    def _plan(self, camera: Camera) -> _Plan:
        """The first pass, which counts the entries to store."""
        footprints = self._project(camera)
        index = TileIndex(footprints, camera.size)
        counts = np.zeros(camera.size, np.int64)
        sums = np.zeros((*camera.size, 2), np.float32)
        cutoff = np.float32(self.options.cutoff)
        for tiles in index.lists(self.options.batch):
            count_tiles(footprints.table, tiles, index.across, cutoff, counts, sums)
        gains = sums[..., 1] / np.where(counts > 0, sums[..., 0], 1)
        return _Plan(footprints, index, counts, gains)
