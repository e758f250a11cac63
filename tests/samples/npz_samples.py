"""Small voxel fields, and archives as svox2 writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.lens import BrownConrady, Fisheye
from nst3d.cameras.pinhole import Camera, look_at
from nst3d.representations.field import Space, VoxelField
from nst3d.tensors import Array, ImageSize


def links_of(shape: tuple[int, int, int], nodes: int, seed: int = 0) -> Array:
    """Links to rows 0 … nodes − 1, in shuffled places."""
    rng = np.random.default_rng(seed)
    links = np.full(int(np.prod(shape)), -1, np.int32)
    links[rng.permutation(len(links))[:nodes]] = np.arange(nodes)
    return links.reshape(shape)


def field_of(nodes: int = 60, degree: int = 2, **changes: Any) -> VoxelField:
    rng = np.random.default_rng(7)
    pose = look_at(np.array([3.0, 1, 2]), np.zeros(3), np.array([0.0, 0, 1]))
    lens = BrownConrady(0.1, -0.02, 0.001, 0.002, 0.003, 0.0, 0.01, 0.0)
    cameras = (
        Camera(pose, 100.5, (31.0, 24.5), ImageSize(48, 64), 1.01, lens),
        Camera(pose, 90.0, (32.0, 24.0), ImageSize(48, 64), lens=Fisheye(0.1, 0.2, 0.3, 0.4)),
        Camera(pose, 80.0, (32.0, 24.0), ImageSize(48, 64)),
    )
    values = {
        "space": Space(np.array([0.1, 0.2, 0.3]), np.array([1.5, 1.5, 1.5]), contracted=True),
        "links": links_of((5, 6, 7), nodes),
        "density": rng.normal(size=nodes).astype(np.float32),
        "harmonics": rng.normal(size=(nodes, (degree + 1) ** 2, 3)).astype(np.float32),
        "activation": "softplus",
        "cameras": cameras,
        "up": np.array([0.0, -1.0, 0.0]),
        "background": (0.25, 0.5, 0.75),
        "capture": "photos/größe",
        "notes": ("one", "two"),
    }
    return VoxelField(**(values | changes))


def svox2_arrays(nodes: int = 40, bases: int = 9, **changes: Any) -> dict[str, Any]:
    """What svox2's `SparseGrid.save` puts into an archive, background layers included."""
    rng = np.random.default_rng(3)
    links = links_of((4, 5, 6), nodes)
    links[links < 0] = -1 - np.arange(int((links < 0).sum())) % 3  # distances to skip
    return {
        "radius": np.array([1.0, 1.5, 2.0], np.float32),
        "center": np.array([0.5, 0.0, -0.25], np.float32),
        "links": links,
        "density_data": rng.normal(size=(nodes, 1)).astype(np.float32),
        "sh_data": rng.normal(size=(nodes, 3 * bases)).astype(np.float16),
        "background_links": np.arange(8, dtype=np.int32).reshape(4, 2),
        "background_data": rng.normal(size=(8, 2, 4)).astype(np.float32),
        "basis_type": 1,
    } | changes


def write_npz(path: Path, arrays: dict[str, Any]) -> Path:
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path
