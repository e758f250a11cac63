"""Mixes and grades meshes: the textures, or the vertex colours, of one asset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from nst3d.errors import InputError
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.pipeline.kinds.blend_tables import Mix
from nst3d.pipeline.kinds.mesh.painted_mesh import painted_scene
from nst3d.pipeline.kinds.mesh.regions import mesh_selectors, untouched_materials
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import default_encoder
from nst3d.representations.appearance import own_texels, vertex_colours
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import MeshPaint, TexturePaint
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import Array, ImageSize


def blend_meshes(paths: Sequence[Path], mix: Mix, out: Path, note: Callable[[str], None]) -> list[Path]:
    """Write the first mesh with what a mix makes of all base colours.

    Raises InputError if geometry, UVs or texture sizes differ, or if textures and plain colours are mixed.
    """
    meshes = [load_mesh(path) for path in paths]
    for path, mesh in zip(paths, meshes):
        if (difference := _differ(meshes[0], mesh)) is not None:
            raise InputError(f"{paths[0]} and {path}: not versions of one mesh: {difference}")
    textured = [_is_textured(path, mesh) for path, mesh in zip(paths, meshes)]
    for path, own in zip(paths, textured):
        if own != textured[0]:
            raise InputError(f"{paths[0]} and {path}: one has textures and the other has none")
    if not textured[0]:
        paint: MeshPaint = paint_vertices(meshes[0], np.inf, 0)
        tables = [vertex_colours(mesh, paint_vertices(mesh, np.inf, 0)) for mesh in meshes]
    else:
        paint = _own_textures(meshes[0])
        layouts = [_own_textures(mesh) for mesh in meshes]
        for path, layout in zip(paths, layouts):
            if [s.size for s in layout.slots] != [s.size for s in paint.slots]:
                raise InputError(f"{paths[0]} and {path}: their textures differ in number or size")
        tables = [_texels(mesh, layout) for mesh, layout in zip(meshes, layouts)]
    column = None
    if mix.region is not None:
        scene = painted_scene(meshes[0], paint)
        colours = torch.from_numpy(tables[0])
        column = mix.column(mesh_selectors(scene, colours, PaintConfig(), default_encoder, note))
        assert column is not None
        paint = replace(paint, kept_materials=untouched_materials(scene, torch.from_numpy(column)))
    return save_mesh(out, meshes[0], paint, mix.colours(tables, column))


def _differ(first: Mesh, other: Mesh) -> str | None:
    """The difference between two meshes, in words; None if there is none."""
    if len(first.parts) != len(other.parts) or len(first.instances) != len(other.instances):
        return "their parts differ"
    for a, b in zip(first.parts, other.parts):
        if not np.array_equal(a.vertices, b.vertices) or not np.array_equal(a.faces, b.faces):
            return "their vertices or faces differ"
        uvs, others = (np.zeros(0) if part.uvs is None else part.uvs for part in (a, b))
        if not np.array_equal(uvs, others):
            return "their UVs differ"
    if any(
        a.part != b.part or not np.array_equal(a.transform, b.transform)
        for a, b in zip(first.instances, other.instances)
    ):
        return "their parts are in different places"
    return None


def _is_textured(path: Path, mesh: Mesh) -> bool:
    textured = {mesh.materials[p.material].texture is not None and p.uvs is not None for p in mesh.parts}
    if len(textured) > 1:
        raise InputError(
            f"{path}: only some of its parts have textures; paint it first, which gives textures to all"
        )
    if textured == {True} and any(p.colours is not None for p in mesh.parts):
        raise InputError(f"{path}: has vertex colours over its textures; paint it first, which merges them")
    return textured == {True}


def _own_textures(mesh: Mesh) -> TexturePaint:
    """The mesh's own textures as its paint, texel for texel."""
    paint = paint_textures(mesh, TexelBudget(1.0, fixed=8), "keep")
    slots, offset = [], 0
    for slot in paint.slots:
        height, width = mesh.textures[slot.texture or 0].pixels.shape[:2]
        slots.append(replace(slot, size=ImageSize(height, width), offset=offset))
        offset += height * width
    return replace(paint, slots=tuple(slots))


def _texels(mesh: Mesh, paint: TexturePaint) -> Array:
    """The table (n, 3) of a mesh's textures, times the factor of their materials."""
    slots = (replace(slot, texture=slot.texture or 0) for slot in paint.slots)
    return np.concatenate([texels for slot in slots if (texels := own_texels(mesh, slot)) is not None])
