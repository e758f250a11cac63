"""Prepares a mesh for rendering: its own colours, at about the resolution of the pictures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from nst3d.cameras.orbits import Orbit
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation
from nst3d.operators.base import ViewOperator
from nst3d.pipeline.kinds.mesh.gallery import GREY, most_room, orbit_cameras
from nst3d.pipeline.kinds.mesh.inside import plan_with_inside
from nst3d.pipeline.kinds.mesh.scene import filled, layout_of
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.config import OutputOptions
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.renderers.frames import draw_frame
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.outside import like, seen_from_outside
from nst3d.renderers.radiance import Frame
from nst3d.renderers.shading import Lighting
from nst3d.representations.appearance import base_colours, is_bare, own_texels
from nst3d.representations.diagnose import far_away
from nst3d.representations.mesh import Mesh, Similarity
from nst3d.representations.paint import MeshPaint, TexturePaint, TextureSlot
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.representations.texels import anchor_rows
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import Array

_TEXELS_PER_PIXEL = 1.5
"""Factor for the near side of a mesh, which is closer than its centre, where a pixel is measured."""
_MOVED = 0.25
"""Part of its diagonal by which the box of another state of a mesh may differ: a little more than `displace` moves."""
_SKETCH = 64
"""Side of the views with which rooms are looked for, pixels."""


@dataclass(frozen=True)
class ShownMesh:
    """A surface and its colours, without a rig to paint it."""

    surface: Surface
    renderer: MeshRenderer
    colours: Array
    """(n, 3) float32, the table."""
    hull: Array = field(repr=False)
    """Points that a view must frame, (k, 3)."""
    normalise: Similarity = field(default_factory=lambda: Similarity(np.zeros(3), 1.0))
    """Transform from the file's coordinates to the surface's."""
    lighting: Lighting = "studio"
    cameras: tuple[Camera, ...] = ()
    """Cameras of its photographs, if any."""
    background: tuple[float, float, float] = OutputOptions.background
    notes: tuple[str, ...] = ()
    cache: SceneCache = field(default_factory=SceneCache, repr=False)
    """Keeps what the rays of frames see."""
    room: Array | None = None
    """The place (3,) in a room with most space around it, if one was looked for and found."""

    @property
    def orientation(self) -> Orientation:
        """Up and front."""
        return Orientation(self.surface.up, self.surface.front)

    def placed(self, pose: Array) -> Array:
        """A camera-to-world matrix (4, 4) converted from the file's coordinates to the surface's."""
        moved = pose.copy()
        moved[:3, 3] = (pose[:3, 3] - self.normalise.centre) * self.normalise.scale
        return moved

    def frame(self, camera: Camera, depth: bool = False) -> Frame:
        """The lit view; depth, from one ray per pixel, if requested, otherwise infinite."""
        image = draw_frame(self.renderer, camera, self.colours, self.lighting)
        if depth:
            hits = self.renderer.look(camera, 1).median()
            seen = np.where(hits.face >= 0, hits.depth, np.float32(np.inf))
        else:
            seen = np.full(camera.size, np.inf, np.float32)
        return Frame(image[..., :3], image[..., 3], seen)

    def view(self, camera: Camera) -> ViewOperator:
        """The view without light, by the samples that paint meshes."""
        return self.renderer.compile(camera)

    def fits(self, other: ShownMesh) -> bool:
        """Whether both fill about the same box of their files: renders are mixed, so vertices need not match."""
        mine, theirs = self._box(), other._box()
        return bool(
            np.abs(mine - theirs).max() <= _MOVED * max(np.linalg.norm(b[1] - b[0]) for b in (mine, theirs))
        )

    def _box(self) -> Array:
        """The least and the greatest corner (2, 3) in the file's coordinates."""
        corners = np.stack([self.hull.min(0), self.hull.max(0)])
        return corners / self.normalise.scale + self.normalise.centre

    def mixed(self, other: ShownMesh, strength: float) -> None:
        """Always None: two meshes' textures need not share texels."""


def show_mesh(mesh: Mesh, orbit: Orbit, lighting: Lighting = "studio") -> ShownMesh:
    """A mesh with its textures, otherwise its vertex colours, otherwise grey."""
    corners = paint_vertices(mesh, np.inf, 0)
    caster, notes = seen_from_outside(build_surface(mesh, corners))
    surface, renderer = caster.surface, MeshRenderer(caster.surface, caster)
    hull = surface.hull(5000)
    grey = np.full((surface.num_colours, 3), GREY, np.float32)
    bare = ShownMesh(
        surface, renderer, grey, hull, mesh.frame, lighting, notes=(*mesh.notes, *far_away(mesh), *notes)
    )
    if is_bare(mesh):
        return bare
    paint: MeshPaint = corners
    if any(mesh.materials[p.material].texture is not None for p in mesh.parts):
        camera = orbit_cameras(bare, orbit)[0]
        pixel = float(np.linalg.norm(camera.position)) / camera.focal
        paint = paint_textures(mesh, TexelBudget(pixel / _TEXELS_PER_PIXEL), "show")
        surface = like(surface, build_surface(mesh, paint))
        renderer = MeshRenderer(surface, caster)
    return replace(bare, surface=surface, renderer=renderer, colours=own_colours(mesh, paint, surface))


def own_colours(mesh: Mesh, paint: MeshPaint, surface: Surface) -> Array:
    """The table (n, 3) of the mesh's own colours; pictures are not sampled where their texels are the table's."""
    anchors = anchor_rows(surface)
    own = torch.from_numpy(base_colours(mesh, paint, surface, anchors))
    colours: Array = filled(own, layout_of(paint), torch.from_numpy(anchors.valid)).numpy()
    if not isinstance(paint, TexturePaint):
        return colours
    for slot in paint.slots:
        coloured = any(mesh.parts[i].colours is not None for i in _parts_of(paint, slot))
        texels = None if coloured else own_texels(mesh, slot)
        if texels is not None:
            colours[slot.offset : slot.offset + len(texels)] = texels
    return colours


def _parts_of(paint: TexturePaint, slot: TextureSlot) -> list[int]:
    return [i for i, number in enumerate(paint.slot_of_part) if paint.slots[number] is slot]


def with_room(shown: ShownMesh) -> ShownMesh:
    """The mesh with the place from which a turn shows its rooms, if painting it would put cameras inside."""
    rig = plan_with_inside(shown.surface, shown.renderer.caster, RigOptions(), _SKETCH)
    if not rig.inside:
        return shown
    return replace(shown, room=most_room(shown, np.stack([c.position for c in rig.inside])))
