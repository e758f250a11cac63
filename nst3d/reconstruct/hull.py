"""The visual hull of a bounded scene: the space inside all silhouettes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.cameras.pinhole import Camera
from nst3d.reconstruct.grid import FitGrid
from nst3d.representations.field import Space
from nst3d.tensors import Array

_NODES = 64
_MARGIN = 2
"""Margin around the hull, cells."""
_REACH = 3
"""Cells by which a ray may miss a silhouette and still meet nodes: a node inside the hull may lie a cell outside of
it, its neighbour two, and what that contributes to reaches three."""


def tight_space(space: Space, cameras: Sequence[Camera], silhouettes: Sequence[Array]) -> Space:
    """The box within `space` around the visual hull of (h, w) bool silhouettes, one per camera."""
    shape = (_NODES,) * 3
    nodes = np.argwhere(np.ones(shape, bool)).astype(np.float64)
    cell = 2 * float(space.radius.max()) / _NODES
    inside = nodes[_seen(space.to_world(nodes, shape), cell, cameras, silhouettes)]
    if not len(inside):
        return space
    low, high = inside.min(0) - _MARGIN, inside.max(0) + _MARGIN
    corners = space.to_world(np.stack([low, high]).clip(-0.5, _NODES - 0.5), shape)
    return Space(corners.mean(0), (corners[1] - corners[0]) / 2)


def kept(grid: FitGrid, cameras: Sequence[Camera], silhouettes: Sequence[Array]) -> Array:
    """Mask (n,) of the nodes of an uncontracted grid that are inside all silhouettes; all if none is."""
    points = grid.space.to_world(grid.nodes.astype(np.float64), grid.shape)
    cell = 2 * float(grid.space.radius.max()) / max(grid.shape)
    seen = _seen(points, cell, cameras, silhouettes)
    return seen if seen.any() else ~seen


def near(camera: Camera, silhouette: Array, space: Space, cell: float) -> Array:
    """Mask (h, w) of the pixels whose rays may meet what `kept` keeps, with its neighbours, of a grid of `cell`s."""
    corners = space.to_world(np.argwhere(np.ones((2, 2, 2), bool)) * 2.0 - 0.5, (2, 2, 2))
    return _grown(silhouette, _REACH * _reach(camera, float(camera.project(corners)[1].min()), cell))


def _seen(points: Array, cell: float, cameras: Sequence[Camera], silhouettes: Sequence[Array]) -> Array:
    """Mask of the points (n, 3) that no camera sees outside its silhouette by more than a cell."""
    seen = np.ones(len(points), bool)
    for camera, silhouette in zip(cameras, silhouettes):
        pixels, depths = camera.project(points)
        wide = _grown(silhouette, _reach(camera, float(depths.min()), cell))
        column, row = (
            np.floor(p).astype(np.int64) for p in np.nan_to_num(pixels, nan=-1e6).clip(-1e6, 1e6).T
        )
        height, width = silhouette.shape
        visible = (depths > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        seen[visible] &= wide[row[visible], column[visible]]
    return seen


def _reach(camera: Camera, nearest: float, cell: float) -> int:
    """The greatest length of a cell in the image, pixels."""
    return int(np.ceil(camera.focal * cell / max(nearest, cell)))


def _grown(mask: Array, pixels: int) -> Array:
    planes = torch.from_numpy(mask)[None, None].float()
    for kernel in ((2 * pixels + 1, 1), (1, 2 * pixels + 1)):
        planes = F.max_pool2d(planes, kernel, 1, (kernel[0] // 2, kernel[1] // 2))
    return np.asarray(planes[0, 0].numpy() > 0)
