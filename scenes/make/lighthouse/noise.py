"""Seeded value noise on a 3D lattice: the same input gives the same output everywhere."""

from __future__ import annotations

import numpy as np


def hashed(cells, seed=0):
    """Integer lattice points (..., 3) to numbers in [0, 1)."""
    c = np.asarray(cells).astype(np.int64).astype(np.uint32)
    h = (
        c[..., 0] * np.uint32(0x8DA6B343)
        ^ c[..., 1] * np.uint32(0xD8163841)
        ^ c[..., 2] * np.uint32(0xCB1AB31F)
    )
    h = h ^ np.uint32((seed * 0x9E3779B9) & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    return ((h ^ (h >> np.uint32(16))) >> np.uint32(8)).astype(np.float64) / 2**24


def value(points, seed=0):
    """Smooth noise at points (..., 3), about uniform in [0, 1]."""
    base = np.floor(points)
    f = points - base
    f = f * f * (3 - 2 * f)
    out = 0.0
    for dx in (0, 1):
        for dy in (0, 1):
            for dz in (0, 1):
                w = (f[..., 0] if dx else 1 - f[..., 0]) * (f[..., 1] if dy else 1 - f[..., 1])
                out = out + w * (f[..., 2] if dz else 1 - f[..., 2]) * hashed(
                    base + np.array([dx, dy, dz]), seed
                )
    return out


def fbm(points, octaves=4, seed=0):
    """Fractal noise in [0, 1], mean about 0.5."""
    total, weight = 0.0, 0.0
    for k in range(octaves):
        total = total + 0.5**k * value(points * 2.03**k + 7.3 * k, seed + k)
        weight += 0.5**k
    return total / weight


def cells(points, seed=0):
    """Distances to the nearest and the second nearest of scattered points, and a random number for the nearest."""
    base = np.floor(points)
    near, second = np.full((2, len(points)), np.inf)
    name = np.zeros(len(points))
    for k in range(27):
        cell = base + np.array([k // 9 - 1, k // 3 % 3 - 1, k % 3 - 1])
        jitter = np.stack([hashed(cell, seed + s) for s in range(3)], -1)
        d = np.linalg.norm(cell + jitter - points, axis=-1)
        closer = d < near
        second = np.where(closer, near, np.minimum(second, d))
        near = np.where(closer, d, near)
        name = np.where(closer, hashed(cell, seed + 7), name)
    return near, second, name


def smooth(low, high, x):
    """A smooth step from 0 at low to 1 at high."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, t):
    """a where t = 0, b where t = 1; t (n,) with colours (n, 3)."""
    t = np.asarray(t)[..., None]
    return np.asarray(a) * (1 - t) + np.asarray(b) * t
