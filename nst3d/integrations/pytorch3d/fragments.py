"""Finds the fragments of views of a surface with PyTorch3D's rasteriser, on the CPU or a CUDA device."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.integrations.pytorch3d.tiles import FaceTiles, pixel_boxes, tiles_of
from nst3d.renderers.raycast import Hits
from nst3d.representations.surface import Surface
from nst3d.tensors import Array, ImageSize

_SIDE = 16
"""Side of a tile, pixels."""
_NEAR = 1e-3
"""Depth at which faces that extend behind the camera are clipped; surfaces have radius 1."""
_REACH = 1e-3
"""Pixels by which faces are enlarged, because PyTorch3D misses samples exactly on the edge of two faces."""
_REACH_CUT = 1e-2
"""The same for clipped faces, which extend so far beyond the image that float32 is coarse."""
_BATCH = 1 << 20
"""Number of faces of tiles rasterised at a time; a tile is never split."""


class Rasteriser:
    """PyTorch3D's `rasterize_meshes` as a `Caster`.

    It follows the same rules as Embree: samples at the centres of a finer grid's pixels, two-sided faces, the
    nearest face, barycentric weights in space (perspective-correct), depth along the viewing axis. It
    computes in float32 in the image, Embree in space: samples within about 0.001 pixels of an edge may see
    the face beside it.

    The image is split into tiles, which are passed to PyTorch3D as a batch of small meshes, because its CPU
    rasteriser tests every face at every pixel of a mesh.
    """

    def __init__(self, surface: Surface, device: torch.device) -> None:
        """Raises MissingDependencyError if PyTorch3D is not installed."""
        self._rasterise, self._meshes = _package()
        self._positions, self._faces, self._device = surface.positions, surface.faces, device

    def view(self, camera: Camera, samples: int) -> Hits:
        """The hits of `samples` × `samples` samples per pixel, (height · samples, width · samples).

        Raises ConfigError for a camera with lens distortion.
        """
        if camera.lens is not None:
            raise ConfigError("PyTorch3D rasterises no lens distortion: take `renderer='embree'`")
        fine = camera.scaled(samples)
        pixels, depth = fine.project(self._positions.astype(np.float64))
        depth = np.where(
            np.abs(depth) < 1e-12, 1e-12, depth
        )  # as in the division of `project`, which clipping reverts
        corners, depths = pixels[self._faces], depth[self._faces]
        tiles = tiles_of(pixel_boxes(corners, depths, fine.size, _NEAR), fine.size, _SIDE)
        blank = (len(tiles.tile), _SIDE, _SIDE)
        found = Hits(np.full(blank, -1, np.int32), *(np.zeros(blank, np.float32) for _ in range(3)))
        ends = np.cumsum(tiles.counts)
        for first, last in _batches(tiles.counts):
            start = ends[first] - tiles.counts[first]
            part = slice(start, ends[last - 1])
            face = tiles.face[part]
            tile = np.repeat(tiles.tile[first:last], tiles.counts[first:last])
            placed = _in_tiles(corners[face], depths[face], tile, tiles.across)
            self._fill(placed, face, tiles.counts[first:last], Hits(*(a[first:last] for a in _fields(found))))
        whole = (_joined(a, tiles, fine.size, rest) for a, rest in zip(_fields(found), (-1, 0, 0, np.inf)))
        return Hits(*whole)

    def _fill(self, corners: Array, face: Array, counts: Array, out: Hits) -> None:
        """Rasterise tiles of `counts` faces, with `corners` (n, 3, 3) of faces `face` (n,), into `out`."""
        vertices = torch.from_numpy(corners.reshape(-1, 3)).to(self._device)
        numbers = torch.arange(3 * int(counts.max(initial=0)), device=self._device).reshape(-1, 3)
        sizes = counts.tolist()
        cut = bool((corners[..., 2] < _NEAR).any())
        meshes = self._meshes(list(vertices.split([3 * n for n in sizes])), [numbers[:n] for n in sizes])
        index, depth, weights, _ = self._rasterise(
            meshes,
            image_size=(_SIDE, _SIDE),
            blur_radius=(2 / _SIDE * (_REACH_CUT if cut else _REACH)) ** 2,  # PyTorch3D compares squares
            faces_per_pixel=1,
            bin_size=0,
            perspective_correct=True,
            clip_barycentric_coords=True,
            cull_backfaces=False,
            z_clip_value=_NEAR if cut else None,
        )
        seen = index[..., 0].cpu().numpy()
        hit = seen >= 0
        out.face[hit] = face[seen[hit]]
        out.u[hit], out.v[hit] = weights[..., 0, 1:].cpu().numpy()[hit].T
        out.depth[hit] = depth[..., 0].cpu().numpy()[hit]


def rasterised(device: torch.device) -> Callable[[Surface], Rasteriser]:
    """A function that creates the rasteriser of a surface, for the pipeline.

    Raises MissingDependencyError immediately if PyTorch3D is not installed, before anything is read.
    """
    _package()
    return lambda surface: Rasteriser(surface, device)


def _package() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """PyTorch3D's `rasterize_meshes` and `Meshes`."""
    try:
        rasteriser = importlib.import_module("pytorch3d.renderer.mesh.rasterize_meshes")
        structures = importlib.import_module("pytorch3d.structures")
    except ImportError:
        raise MissingDependencyError("PyTorch3D is not installed: pip install 'nst3d[pytorch3d]'") from None
    return rasteriser.rasterize_meshes, structures.Meshes


def _fields(hits: Hits) -> tuple[Array, ...]:
    return hits.face, hits.u, hits.v, hits.depth


def _batches(counts: Array) -> list[tuple[int, int]]:
    """Ranges of tiles with up to `_BATCH` faces in total, or one tile with more."""
    ranges, first, total = [], 0, 0
    for k, count in enumerate(counts.tolist()):
        if k > first and total + count > _BATCH:
            ranges.append((first, k))
            first, total = k, 0
        total += count
    return [*ranges, (first, len(counts))] if len(counts) else []


def _in_tiles(corners: Array, depth: Array, tile: Array, across: int) -> Array:
    """Pixel positions (n, 3, 2) and depths (n, 3) as PyTorch3D's x, y, z within each tile, (n, 3, 3) float32.

    PyTorch3D's x points left and y up, both from −1 to 1 across a square image, and z is the depth.
    """
    origin = np.stack([tile % across, tile // across], axis=1)[:, None] * _SIDE
    flat = 1 - 2 / _SIDE * (corners - origin)
    return np.concatenate([flat, depth[..., None]], axis=2).astype(np.float32)


def _joined(values: Array, tiles: FaceTiles, size: ImageSize, rest: float) -> Array:
    """The image (h, w) assembled from tiles (t, side, side); `rest` elsewhere."""
    full = np.full((tiles.down * tiles.across, _SIDE, _SIDE), rest, values.dtype)
    full[tiles.tile] = values
    rows = full.reshape(tiles.down, tiles.across, _SIDE, _SIDE).swapaxes(1, 2)
    image = rows.reshape(tiles.down * _SIDE, tiles.across * _SIDE)
    return np.ascontiguousarray(image[: size.height, : size.width])
