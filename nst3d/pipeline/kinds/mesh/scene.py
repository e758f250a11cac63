"""Prepares a mesh for painting: paint target, cameras, compiled views, initial colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch

from nst3d.cameras.axes import UP_AND_FRONT, Up
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import tight
from nst3d.errors import ConfigError
from nst3d.formats.gltf.cut import cut_document
from nst3d.formats.gltf.document import GltfDocument
from nst3d.images.fill import fill
from nst3d.pipeline.kinds.mesh.plan_cache import kept_plan
from nst3d.pipeline.kinds.mesh.rig import Rig
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.outside import like
from nst3d.renderers.raycast import Casting
from nst3d.representations.appearance import base_colours
from nst3d.representations.carried_alpha import carry_alpha
from nst3d.representations.diagnose import far_away
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import MeshPaint, TexturePaint, VertexPaint
from nst3d.representations.subdivide import even_parts, paint_vertices
from nst3d.representations.surface import Surface, TexelBinding, build_surface
from nst3d.representations.texels import Anchors, anchor_rows
from nst3d.representations.unwrap import TexelBudget, faces_without_uvs, paint_textures
from nst3d.stylize.layout import Layout
from nst3d.tensors import Array, Colours

_DENSE = 20_000
"""Face count above which a mesh without usable UVs is painted on its vertices: an atlas would take long."""
_APART = 1.8
"""Distance of painted vertices, in texels of a texture that would be as fine."""
_MOST_VERTICES = 1_000_000
"""Default of `SurfaceOptions.max_vertices`, where faces are subdivided."""
_COARSE = 2.5
"""Distance of painted vertices above which a note is worth it, in pixels of the finest view."""

_COVERED = 0.95
"""Coverage below which the user is told."""


@dataclass(frozen=True)
class MeshScene:
    """Frozen geometry with everything that depends on it."""

    mesh: Mesh
    paint: MeshPaint
    surface: Surface
    renderer: MeshRenderer
    rig: Rig
    layout: Layout
    hull: Array = field(repr=False)
    """Points that a view must frame, (k, 3)."""
    notes: tuple[str, ...] = ()
    """What views and paint do otherwise than the asset says, one sentence each."""
    cache: SceneCache = field(default_factory=SceneCache, repr=False)
    """Keeps what is computed from the scene alone."""

    # Properties, because `inspect` needs neither, and both take long where there are many texels.
    @cached_property
    def anchors(self) -> Anchors:
        """The surface point of each row of the paint's table."""
        return anchor_rows(self.surface)

    @cached_property
    def initial(self) -> Colours:
        """(n, 3): the asset's own colours in the paint's table; texels between islands are filled."""
        mesh, paint = self.mesh, self.paint
        parts = mesh.parts if isinstance(paint, TexturePaint) else paint.parts
        own = self.cache.of("colours", parts, mesh.materials, mesh.textures, self.surface)
        shape = (self.surface.num_colours, 3)
        kept = own.arrays(
            lambda: {"own": base_colours(mesh, paint, self.surface, self.anchors)},
            lambda found: [(a.dtype, a.shape) for a in found.values()] == [(np.dtype(np.float32), shape)],
        )
        (colours,) = kept.values()
        return filled(torch.from_numpy(colours), self.layout, torch.from_numpy(self.anchors.valid))


def upright(mesh: Mesh, up: Up) -> Mesh:
    """The mesh with the axis `up` as world up; "auto" keeps its format's."""
    if up == "auto":
        return mesh
    axis, front = UP_AND_FRONT[up]
    return replace(mesh, up=axis, front=front)


def prepare_mesh(
    mesh: Mesh,
    options: SurfaceOptions,
    rig_options: RigOptions,
    size: int,
    casting: Casting | None = None,
    cameras: Sequence[Camera] = (),
    cache: SceneCache | None = None,
) -> MeshScene:
    """Choose the paint target, and cameras for views of `size` pixels; `casting` None: Embree.

    `cameras`, in normalised coordinates, are used instead of a rig if there are any. Raises ConfigError if they see
    nothing of the mesh.
    """
    cache = cache or SceneCache()
    mode = choose_mode(mesh, options)
    # A first rig on the unpainted mesh gives the size of a pixel on it, and so the paint's resolution.
    bare = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    caster, rig, notes = kept_plan(cache, bare, options.sides, rig_options, size, cameras)
    sketch, renderer = caster.surface, MeshRenderer(caster.surface, caster)
    texel = rig.pixel / options.texels_per_pixel
    paint: MeshPaint
    if mode == "vertex":
        mesh, paint = _vertex_paint(mesh, _APART * texel, options)
        surface = like(sketch, build_surface(mesh, paint))
        renderer = MeshRenderer(surface)
    else:
        paint = paint_textures(
            mesh, TexelBudget(texel, options.texture_size, unseen=rig.unseen), options.atlas
        )
        surface = like(sketch, build_surface(mesh, paint))
        paint = carry_alpha(mesh, paint, surface)
        renderer = MeshRenderer(surface, caster)
    if casting is not None:
        renderer = MeshRenderer(surface, renderer.caster, casting(surface))
    notes = (*far_away(mesh), *notes, *_slivers(paint), *_inside(rig))
    return MeshScene(mesh, paint, surface, renderer, rig, layout_of(paint), sketch.hull(5000), notes, cache)


def _vertex_paint(mesh: Mesh, edge: float, options: SurfaceOptions) -> tuple[Mesh, VertexPaint]:
    """The mesh with vertex paint, its faces subdivided until edges are at most `edge` long.

    The faces of a glTF document are subdivided if the settings give a number of vertices, and if skins and morph
    targets allow it; the document stays.
    """
    if not isinstance(mesh.document, GltfDocument):
        most = _MOST_VERTICES if options.max_vertices is None else options.max_vertices
        return mesh, paint_vertices(mesh, edge, most)
    if options.max_vertices is not None:
        parts, rounds = even_parts(mesh, edge, options.max_vertices)
        document = cut_document(mesh.document, parts, rounds) if any(rounds) else None
        if document is not None:
            mesh = replace(mesh, parts=parts, document=document)
    return mesh, paint_vertices(mesh, np.inf, 0)


def vertex_notes(scene: MeshScene) -> tuple[str, ...]:
    """A sentence for the user about the vertices of a glTF document that are too few for the painting; or nothing."""
    binding = scene.surface.binding
    if not isinstance(scene.mesh.document, GltfDocument) or isinstance(binding, TexelBinding):
        return ()
    spacing = float(np.sqrt(scene.surface.areas().sum() / len(np.unique(binding.rows)))) / scene.rig.pixel
    if spacing < _COARSE:
        return ()
    return (
        f"the vertices that are painted are about {spacing:.0f} pixels apart: `surface.paint='texture'` paints finer,"
        f" and so does `surface.max_vertices={_MOST_VERTICES}`, which subdivides faces",
    )


def choose_mode(mesh: Mesh, options: SurfaceOptions) -> Literal["texture", "vertex"]:
    """The paint target of a mesh.

    Textures of a glTF go into its own document, however dense it is. Other meshes are written anew, for which
    dense ones without usable UVs keep their vertices.
    """
    if options.paint != "auto":
        return options.paint
    if any(p.cells is not None for p in mesh.parts):
        return "vertex"
    textured = any(mesh.materials[p.material].texture is not None for p in mesh.parts)
    if any(p.colours is not None for p in mesh.parts) and not textured:
        return "vertex"
    kept = isinstance(mesh.document, GltfDocument)
    return "vertex" if not kept and faces_without_uvs(mesh) > _DENSE else "texture"


def _slivers(paint: MeshPaint) -> tuple[str, ...]:
    """A note on faces that cannot be unwrapped."""
    if not isinstance(paint, TexturePaint) or not paint.slivers:
        return ()
    return (f"faces too small or thin to be unwrapped, each painted in one flat colour: {paint.slivers}",)


def _inside(rig: Rig) -> tuple[str, ...]:
    """A note on cameras inside."""
    if not rig.inside:
        return ()
    return (
        f"cameras inside, too, for what is not seen from outside: {len(rig.inside)} of {len(rig.cameras)}",
    )


def unseen_notes(coverage: float, what: str) -> tuple[str, ...]:
    """A note on what is painted, "the surface" or a part of it, if cameras see less of it than nearly all."""
    if coverage >= _COVERED:
        return ()
    return (
        f"no camera sees {1 - coverage:.0%} of {what}, such as what lies inside other parts: it keeps its"
        " own picture in the style's colours; if it should be painted, too, give `cameras` that show it",
    )


def layout_of(paint: MeshPaint) -> Layout:
    """The layout of a paint's table rows: in images, or one by one."""
    if isinstance(paint, TexturePaint):
        return Layout.of_images([s.size for s in paint.slots])
    return Layout(paint.num_colours)


def filled(colours: Colours, layout: Layout, weight: torch.Tensor) -> Colours:
    """The table with texels of little weight (n,) in [0, 1] filled from neighbours; vertices stay."""
    if not layout.images:
        return colours
    images = zip(layout.split(colours), layout.split(weight[:, None].to(colours)))
    return torch.cat([fill(image, w).reshape(-1, 3) for image, w in images])


def rebound(surface: Surface, layout: Layout) -> Surface:
    """The surface with textures of other sizes: the same images in `layout`."""
    if not isinstance(surface.binding, TexelBinding):
        return surface
    sizes = np.array(layout.images, np.int32)
    offsets = np.concatenate([[0], np.cumsum(sizes.prod(1))[:-1]])
    slots = surface.binding.slots.copy()
    slots[:, 0], slots[:, 1:3] = offsets, sizes
    return replace(surface, binding=replace(surface.binding, slots=slots), num_colours=layout.num_colours)


def stage_cameras(scene: MeshScene, scale: float, crop: bool) -> list[Camera]:
    """The rig's cameras at `scale` times their finest size, those outside cropped to the mesh."""
    around, within = ([c.scaled(scale) for c in cameras] for cameras in (scene.rig.around, scene.rig.within))
    if any(min(c.size) < 16 for c in (*around, *within)):
        raise ConfigError("views smaller than 16 pixels cannot be encoded: give a larger `size`")
    return [*([tight(c, scene.hull) for c in around] if crop else around), *within]
