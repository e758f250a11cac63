"""A ball of splats, small enough for whole jobs in tests."""

from __future__ import annotations

import numpy as np

from nst3d.representations.harmonics import from_colours
from nst3d.representations.splats import Splats


def ball(count: int = 300, degree: int = 1, seed: int = 0) -> Splats:
    """Splats on the unit sphere about (2, 0, 1), opaque in the middle, coloured by where they lie."""
    index = np.arange(count)
    y = 1 - (2 * index + 1) / count
    turn = index * 2.399963
    radius = np.sqrt(1 - y * y)
    normals = np.stack([radius * np.cos(turn), y, radius * np.sin(turn)], axis=1)
    size = 2.2 / np.sqrt(count)
    rng = np.random.default_rng(seed)
    colours = 0.5 + 0.3 * np.sin(3 * normals) + 0.05 * rng.standard_normal((count, 3))
    harmonics = np.zeros((count, (degree + 1) ** 2, 3), np.float32)
    harmonics[:, 0] = from_colours(colours)
    harmonics[:, 1:] = 0.2 * rng.standard_normal(harmonics[:, 1:].shape)
    return Splats(
        positions=(normals + np.array([2.0, 0.0, 1.0])).astype(np.float32),
        scales=np.full((count, 3), size, np.float32),
        rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        opacities=np.full(count, 0.9, np.float32),
        harmonics=harmonics,
    )
