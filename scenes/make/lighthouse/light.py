"""Soft ambient light, baked by depth maps from many directions over points spread on all surfaces."""

from __future__ import annotations

import numpy as np


def scatter(triangles, spacing, seed):
    """Random points on triangles (f, 3, 3), about one a square of the spacing."""
    rng = np.random.default_rng(seed)
    area = (
        np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1)
        / 2
    )
    count = np.ceil(area / spacing**2).astype(int)
    tri = np.repeat(np.arange(len(triangles)), count)
    u, v = rng.random((2, len(tri)))
    fold = u + v > 1
    u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
    t = triangles[tri]
    return t[:, 0] + u[:, None] * (t[:, 1] - t[:, 0]) + v[:, None] * (t[:, 2] - t[:, 0])


def directions(count):
    """Directions spread evenly over the sphere."""
    k = np.arange(count) + 0.5
    y, a = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    s = np.sqrt(1 - y * y)
    return np.stack([s * np.cos(a), y, s * np.sin(a)], 1)


def ambient(points, normals, triangles, count=120, cell=0.07, seed=3):
    """The share of a bright sky and a dimmer ground that points (n, 3) see, in [0, 1]."""
    blockers = scatter(triangles, 0.045, seed).astype(np.float32)
    raised = (points + 0.06 * normals).astype(np.float32)
    seen, whole = np.zeros(len(points), np.float32), np.zeros(len(points), np.float32)
    low, extent = blockers.min(0), np.ptp(blockers, axis=0)
    middle, radius = low + extent / 2, np.linalg.norm(extent) / 2 + 0.5
    width = int(np.ceil(2 * radius / cell))
    for d in directions(count).astype(np.float32):
        right = np.cross(d, [0.0, 1.0, 0.0] if abs(d[1]) < 0.9 else [1.0, 0.0, 0.0])
        right = (right / np.linalg.norm(right)).astype(np.float32)
        basis = np.stack([right, np.cross(right, d), d], 1).astype(np.float32)
        local = (blockers - middle) @ basis
        index = ((local[:, :2] + radius) / cell).astype(int)
        depth = np.full(width * width, -np.inf, np.float32)
        np.maximum.at(depth, index[:, 1] * width + index[:, 0], local[:, 2])
        facing = normals @ d
        up = np.flatnonzero(facing > 0.02)
        spot = (raised[up] - middle) @ basis
        index = np.clip((spot[:, :2] + radius) / cell, 0, width - 1).astype(int)
        open_sky = depth[index[:, 1] * width + index[:, 0]] < spot[:, 2] + 0.06
        weight = facing[up] * (0.35 + 0.65 * (d[1] > -0.05))
        whole[up] += weight
        seen[up] += weight * open_sky
    return seen / np.maximum(whole, 1e-6)
