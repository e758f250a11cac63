"""A painted mesh with the table that it has, as a scene: regions are chosen in it."""

from __future__ import annotations

import numpy as np

from nst3d.pipeline.kinds.mesh.plan_cache import kept_plan
from nst3d.pipeline.kinds.mesh.scene import MeshScene, layout_of
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.outside import like
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import MeshPaint
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface

_SIZE = 256
"""Size of the views, pixels."""


def painted_scene(mesh: Mesh, paint: MeshPaint) -> MeshScene:
    """The mesh with an existing paint, seen by the default rig."""
    bare = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    sides = SurfaceOptions().sides
    caster, rig, notes = kept_plan(SceneCache(), bare, sides, RigOptions(), _SIZE)
    surface = like(caster.surface, build_surface(mesh, paint))
    renderer, hull = MeshRenderer(surface, caster), caster.surface.hull(5000)
    return MeshScene(mesh, paint, surface, renderer, rig, layout_of(paint), hull, notes)
