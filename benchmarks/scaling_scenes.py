"""Scenes of any size for `scaling.py`: a wavy ring, as a mesh with a texture's coordinates or as splats."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import trimesh

from nst3d.formats.splats.antimatter import fresh_splat
from nst3d.representations.splats import Splats
from nst3d.tensors import Array

_WIDE, _THICK, _WAVES, _DEEP = 1.0, 0.45, 7, 0.06
_ROUND = 2.2
"""Length around the ring relative to that around its tube, so that faces are about as long as wide."""


def ring(u: Array, v: Array) -> Array:
    """Points (n, 3) at u around the ring and v around its tube, both in [0, 1]."""
    a, b = 2 * math.pi * u, 2 * math.pi * v
    thick = _THICK + _DEEP * np.sin(_WAVES * a) * np.cos(5 * b)
    out = _WIDE + thick * np.cos(b)
    return np.stack([out * np.cos(a), thick * np.sin(b), -out * np.sin(a)], axis=1)


def write_mesh(path: Path, faces: int) -> int:
    """Write a ring of about so many triangles as GLB, its coordinates of texture without overlap; their number."""
    tube = max(4, round(math.sqrt(faces / 2 / _ROUND)))
    around = max(4, round(faces / 2 / tube))
    u, v = (g.ravel() for g in np.meshgrid(np.linspace(0, 1, around + 1), np.linspace(0, 1, tube + 1)))
    first = (np.arange(tube)[:, None] * (around + 1) + np.arange(around)).ravel()
    a, b, c, d = first, first + 1, first + around + 2, first + around + 1
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    visual = trimesh.visual.TextureVisuals(uv=np.stack([u, v], 1))
    mesh = trimesh.Trimesh(ring(u, v), triangles, visual=visual, process=False)
    path.write_bytes(trimesh.Scene(mesh).export(file_type="glb"))
    return len(triangles)


def write_splats(path: Path, count: int) -> int:
    """Write so many round splats that cover the same ring as a .splat file; their number."""
    generator = np.random.default_rng(0)
    points = ring(*generator.random((2, count)))
    radius = 3 * math.sqrt(4 * math.pi**2 * _WIDE * _THICK / count)  # each pixel is under some ten
    shade = 0.5 + 0.4 * np.sin(9 * points)
    path.write_bytes(fresh_splat(Splats.balls(points, radius, shade, up=(0, 1, 0))))
    return count
