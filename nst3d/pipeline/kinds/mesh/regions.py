"""Regions of meshes: columns of weights beside the colour table."""

from __future__ import annotations

import difflib

import numpy as np
import torch

from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.mesh.scene import MeshScene, filled
from nst3d.renderers.visibility import sample_points, sees
from nst3d.tensors import Array, Colours

_SAMPLES = 40_000
"""Points on the whole surface, so that there are some hundred on a small region."""


def material_region(scene: MeshScene, name: str) -> Colours:
    """Weights (n, 1): 1 for rows of parts with a material of that name, 0 elsewhere.

    Texels between islands follow their neighbours. ConfigError, listing all materials, for any other name.
    """
    names = [material.name for material in scene.mesh.materials]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}? Its materials are" if near else "its materials are"
        listed = ", ".join(sorted(n for n in set(names) if n)) or "without names"
        raise ConfigError(f"the mesh has no material {name!r}; {hint} {listed}")
    wanted = np.array([names[part.material] == name for part in scene.mesh.parts])
    valid = torch.from_numpy(scene.anchors.valid)
    faces = scene.anchors.face[scene.anchors.valid]
    column = torch.zeros(scene.layout.num_colours, 1)
    column[valid] = torch.from_numpy(wanted[scene.surface.part[faces]]).float()[:, None]
    return filled(column.expand(-1, 3), scene.layout, valid)[:, :1].clamp(0, 1).contiguous()


def untouched_materials(scene: MeshScene, weights: Colours) -> frozenset[int]:
    """Materials on whose parts no row of the table has weight, (n, 1)."""
    parts = scene.mesh.parts
    return frozenset(p.material for p in parts) - {parts[i].material for i in _touched(scene, weights)}


def region_coverage(scene: MeshScene, weights: Colours) -> float:
    """Fraction, by area, that the cameras see of the parts on which rows have weight (n, 1), in [0, 1]."""
    points = sample_points(scene.surface, _SAMPLES)
    points = points.at(np.flatnonzero(np.isin(scene.surface.part[points.face], _touched(scene, weights))))
    if not len(points.positions):
        return scene.rig.coverage
    seen = [sees(scene.renderer.caster, camera, points) for camera in scene.rig.cameras]
    return float(np.any(seen, axis=0).mean())


def _touched(scene: MeshScene, weights: Colours) -> Array:
    """The parts on which rows of the table have weight (n, 1)."""
    rows = scene.anchors.valid & (weights[:, 0] > 0).cpu().numpy()
    return np.unique(scene.surface.part[scene.anchors.face[rows]])
