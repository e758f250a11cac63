"""Splat scenes that the renderer's tests make up."""

from __future__ import annotations

import numpy as np

from nst3d.representations.splats import Splats


def random_splats(count: int = 60, degree: int = 0, seed: int = 0, size: float = 0.12) -> Splats:
    """Splats about the origin, most within 1 of it, of all shapes and opacities."""
    generator = np.random.default_rng(seed)
    rotations = generator.normal(size=(count, 4))
    rotations /= np.linalg.norm(rotations, axis=1, keepdims=True)
    positions = generator.normal(size=(count, 3)) * 0.4
    scales = size * np.exp(generator.normal(size=(count, 3)) * 0.8)
    harmonics = generator.normal(size=(count, (degree + 1) ** 2, 3)) * 0.3
    arrays = (positions, scales, rotations, generator.uniform(0.02, 1, count), harmonics)
    return Splats(*(a.astype(np.float32) for a in arrays))


def splats_at(positions, scales, opacities, rotations=None) -> Splats:
    """Grey splats from short lists; scales are numbers or triples."""
    count = len(positions)
    turns = np.tile([1.0, 0, 0, 0], (count, 1)) if rotations is None else np.asarray(rotations, float)
    sizes = np.array([np.broadcast_to(s, 3) for s in scales])
    arrays = (np.array(positions, float), sizes, turns, np.array(opacities), np.zeros((count, 1, 3)))
    return Splats(*(a.astype(np.float32) for a in arrays))
