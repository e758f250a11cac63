"""Small voxel fields, whole or with holes, and a camera that looks at them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.representations.field import Space, VoxelField
from nst3d.tensors import ImageSize

CENTRE = np.array([0.1, -0.2, 0.3])


def noisy_field(
    contracted: bool = False,
    activation: Literal["relu", "softplus"] = "softplus",
    degree: int = 1,
    holes: float = 0.0,
    nodes: int = 12,
) -> VoxelField:
    """Density and colours at random on a grid, of whose nodes a share is missing."""
    rng = np.random.default_rng(3)
    kept = rng.random((nodes,) * 3) >= holes
    links = np.full(kept.shape, -1, np.int32)
    links[kept] = np.arange(kept.sum())
    count = int(kept.sum())
    return VoxelField(
        Space(CENTRE, np.full(3, 1.5), contracted),
        links,
        rng.normal(-1, 2, count).astype(np.float32),
        rng.normal(0, 0.3, (count, (degree + 1) ** 2, 3)).astype(np.float32),
        activation,
        4.0,
        background=(0.2, 0.5, 0.9),
        near=0.5 if contracted else 0.0,
    )


def camera(pixels: int = 16, away: float = 4.0) -> Camera:
    """Looks at the field from outside, not along an axis."""
    position = CENTRE + away * np.array([0.6, -0.7, 0.4])
    pose = look_at(position, CENTRE, np.array([0.0, 0.0, 1.0]))
    return perspective(pose, ImageSize(pixels, pixels + 3), 0.9)
