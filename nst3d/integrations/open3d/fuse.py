"""Depth fusion with Open3D's sparse voxel blocks (Niessner et al. 2013), as an alternative to nst3d's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nst3d.integrations.open3d.package import open3d
from nst3d.renderers.fusion import DepthPicture
from nst3d.representations.lattice import Lattice
from nst3d.tensors import Array

_BAND = 3.0
"""Truncation distance, voxels."""
_SIDE = 16
"""Side of a block, voxels."""
_BLOCKS = 20_000
"""Initial number of blocks; more are allocated as needed."""
_WITNESSES = 2.0
"""Minimum number of views that must have seen a voxel, if there are as many."""


def fused_surface(lattice: Lattice, sights: Sequence[DepthPicture]) -> tuple[Array, Array]:
    """The surface fused from the sights' depths: vertices (v, 3) in nodes of the lattice, faces (f, 3) int32.

    Voxels everywhere have the size of the lattice's cells at its centre; in a contracted space distant
    objects are therefore finer than the lattice and take longer. Both arrays are empty if there is no
    surface. Raises MissingDependencyError without Open3D.
    """
    package = open3d("`fusion='open3d'`")
    middle = lattice.to_world(((np.asarray(lattice.shape) - 1) / 2).reshape(1, 3))
    voxel = float(lattice.cells(middle)[0])
    reach = _corners(lattice)
    grid = package.t.geometry.VoxelBlockGrid(
        attr_names=("tsdf", "weight"),
        attr_dtypes=(package.core.float32, package.core.float32),
        attr_channels=((1), (1)),
        voxel_size=voxel,
        block_resolution=_SIDE,
        block_count=_BLOCKS,
    )
    for sight in sights:
        _integrate(package, grid, sight, reach)
    if not grid.hashmap().size():  # no view shows a surface
        return np.empty((0, 3)), np.empty((0, 3), np.int32)
    least = min(_WITNESSES, len(sights)) - 0.5
    mesh = grid.extract_triangle_mesh(weight_threshold=least).to_legacy()
    mesh.remove_duplicated_vertices()
    mesh.remove_degenerate_triangles()
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.triangles).astype(np.int32)
    nodes = lattice.to_nodes(vertices)
    room = np.minimum(nodes, np.asarray(lattice.shape) - 1 - nodes).min(1)
    return nodes, faces[room[faces].min(1) >= 0]


def _corners(lattice: Lattice) -> Array:
    ends = np.array(list(np.ndindex(2, 2, 2)), float) * (np.asarray(lattice.shape) - 1)
    return lattice.to_world(ends)


def _integrate(package: Any, grid: Any, sight: DepthPicture, reach: Array) -> None:
    camera = sight.camera
    pose = np.linalg.inv(camera.camera_to_world)
    farthest = float((reach @ pose[2, :3] + pose[2, 3]).max())
    depth = np.where(np.isfinite(sight.depth), sight.depth, 0).astype(np.float32)
    if farthest <= 0 or not ((depth > 0) & (depth < farthest)).any():
        return
    # In Open3D pixel centres are at integers.
    cx, cy = camera.centre[0] - 0.5, camera.centre[1] - 0.5
    focal = camera.focal
    matrix = np.array([[focal, 0, cx], [0, focal * camera.aspect, cy], [0, 0, 1]], np.float64)
    intrinsic, extrinsic = package.core.Tensor(matrix), package.core.Tensor(pose.astype(np.float64))
    image = package.t.geometry.Image(package.core.Tensor(np.ascontiguousarray(depth)))
    # A depth scale of 1 means scene units.
    blocks = grid.compute_unique_block_coordinates(image, intrinsic, extrinsic, 1.0, farthest, _BAND)
    grid.integrate(blocks, image, intrinsic, extrinsic, 1.0, farthest, _BAND)
