"""A small field: a ball in empty space, photographed from all around."""

from __future__ import annotations

import numpy as np

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.cameras.rigs import Orientation, fibonacci_directions
from nst3d.representations.field import Space, VoxelField
from nst3d.representations.harmonics import from_colours
from nst3d.tensors import ImageSize

CENTRE, RADIUS = np.array([0.3, -0.4, 0.8]), 1.5
BALL = 0.75
"""World units; the ball's middle is `CENTRE`."""
UP = np.array([0.0, 0.0, 1.0])


def colour_at(points: np.ndarray) -> np.ndarray:
    """A smooth colour for each world point (n, 3)."""
    return 0.5 + 0.35 * np.sin((points - CENTRE) @ np.array([[2.0, 0.5, 0], [0, 2.0, 1.0], [1.0, 0, 2.0]]))


def ball_field(nodes: int = 40, contracted: bool = False, views: int = 30, pixels: int = 56) -> VoxelField:
    """A solid ball of colours `colour_at`, only the nodes near it stored."""
    space = Space(CENTRE, np.full(3, RADIUS), contracted)
    shape = (nodes, nodes, nodes)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    points = space.to_world(grid, shape)
    inside = BALL - np.linalg.norm(points - CENTRE, axis=-1)
    stored = inside > -0.3
    links = np.full(shape, -1, np.int32)
    links[stored] = np.arange(stored.sum())
    colours = colour_at(points[stored])
    density = np.clip(4000 * inside[stored], -2000, 2000)
    directions = fibonacci_directions(views, Orientation(UP, np.array([1.0, 0.0, 0.0])), 0.95)
    poses = [look_at(CENTRE + 3.2 * d, CENTRE, UP) for d in directions]
    return VoxelField(
        space,
        links,
        density.astype(np.float32),
        from_colours(colours)[:, None].astype(np.float32),
        cameras=tuple(perspective(p, ImageSize(pixels, pixels), 0.8) for p in poses),
        up=UP,
    )
