"""The colours that fields and splats hold."""

from __future__ import annotations

import numpy as np

from nst3d.formats.fields.registry import load_field
from nst3d.formats.splats.registry import load_splats
from nst3d.pipeline.kinds.asset import AssetTable
from nst3d.pipeline.kinds.kind import Opened
from nst3d.renderers import radiance_renderer


def field_table(opened: Opened) -> AssetTable:
    """The colours of a field's nodes; those that are empty do not count."""
    scene = load_field(opened.peek)
    weights = np.maximum(scene.density, 0).astype(np.float64)
    positions = np.asarray(radiance_renderer(scene).positions)
    return AssetTable(scene.colours, weights, positions, untextured="a voxel field has no texture")


def splat_table(opened: Opened) -> AssetTable:
    """The colours of splats or points, by their opacity."""
    scene = load_splats(opened.peek)
    weights = scene.opacities.astype(np.float64)
    return AssetTable(scene.colours, weights, scene.positions, untextured="splats and points have no texture")
