"""The colours that a mesh's file holds, and where its textures are cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nst3d.pipeline.kinds.asset import AssetTable, Seams
from nst3d.pipeline.kinds.mesh.shown import own_colours
from nst3d.representations.appearance import bilinear
from nst3d.representations.borders import (
    Edges,
    PointPairs,
    beside_cuts,
    point_pairs,
    shared_edges,
    smooth_cuts,
    texel_sides,
)
from nst3d.representations.mesh import WRAP_CODE, Mesh, Part
from nst3d.representations.paint import MeshPaint
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, TexelBinding, build_surface
from nst3d.representations.texels import anchor_rows
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import Array

_MOST = 20_000
"""Edges of each sort whose jumps are measured."""
_MODES = {code: mode for mode, code in WRAP_CODE.items()}


def mesh_table(mesh: Mesh) -> AssetTable:
    """The texels of a mesh's textures, at their own size; of a mesh without textures, the colours of its vertices."""
    textured = _textured(mesh)
    if textured is None:
        paint: MeshPaint = paint_vertices(mesh, np.inf, 0)
        surface = build_surface(mesh, paint)
        colours, sides, seams, why = own_colours(mesh, paint, surface), None, None, "it has no texture"
    else:
        long = max(max(texture.pixels.shape[:2]) for texture in textured.textures)
        paint = paint_textures(textured, TexelBudget(1.0, fixed=long), "show")
        surface = build_surface(textured, paint)
        colours, why = own_colours(textured, paint, surface), ""
        sides, seams = texel_sides(surface), _seams(surface, colours)
    anchors = anchor_rows(surface)
    shown = anchors.valid
    faces = anchors.face[shown]
    positions = anchors.interpolate(surface.positions[surface.faces])
    if sides is None:
        return AssetTable(colours[shown], _vertex_areas(surface, shown), positions, untextured=why)
    own = sides[faces]
    return AssetTable(colours[shown], own**2, positions, own, seams)


def _textured(mesh: Mesh) -> Mesh | None:
    """The parts that have a texture, with UVs of some area; None if none has."""
    kept = [number for number, part in enumerate(mesh.parts) if _has_texture(mesh, part)]
    if not kept:
        return None
    places = {number: place for place, number in enumerate(kept)}
    instances = tuple(replace(each, part=places[each.part]) for each in mesh.instances if each.part in places)
    if not instances:
        return None
    return replace(mesh, parts=tuple(mesh.parts[number] for number in kept), instances=instances)


def _has_texture(mesh: Mesh, part: Part) -> bool:
    if mesh.materials[part.material].texture is None or part.uvs is None:
        return False
    return bool(np.isfinite(part.uvs).all() and np.ptp(part.uvs, axis=(0, 1)).min() > 0)


def _vertex_areas(surface: Surface, shown: Array) -> Array:
    """The area around each shown vertex: a third of its faces'."""
    assert not isinstance(surface.binding, TexelBinding)
    rows = surface.binding.rows
    total = np.bincount(rows.ravel(), np.repeat(surface.areas() / 3, 3), surface.num_colours)
    return np.asarray(total[shown])


def _seams(surface: Surface, colours: Array) -> Seams | None:
    """The colours on both sides of cuts, and of edges beside them; None without either."""
    edges = shared_edges(surface)
    found = []
    for chosen in (smooth_cuts(edges), beside_cuts(edges, len(surface.faces))):
        rows = np.flatnonzero(chosen)
        if len(rows) > _MOST:
            rows = np.random.default_rng(0).choice(rows, _MOST, replace=False)
        found.append(_pairs(surface, colours, edges.of(rows)))
    if not all(len(pairs.lengths) for pairs, _ in found):
        return None
    (across, jumps), (inside, steps) = found
    return Seams(jumps, across.places, across.lengths, steps, inside.places, inside.lengths)


def _pairs(surface: Surface, colours: Array, edges: Edges) -> tuple[PointPairs, Array]:
    """Points on both sides of edges, and their colours (m, 2, 3)."""
    pairs = point_pairs(surface, edges)
    sampled = np.empty((*pairs.faces.shape, 3))
    binding = surface.binding
    assert isinstance(binding, TexelBinding)
    uvs = np.einsum("mfk,mfkc->mfc", pairs.weights, binding.corners[pairs.faces])
    slot = binding.slot[pairs.faces]
    for number, (offset, height, width, along_u, along_v) in enumerate(binding.slots):
        here = slot == number
        picture = colours[offset : offset + height * width].reshape(height, width, 3)
        sampled[here] = bilinear(picture, uvs[here], (_MODES[along_u], _MODES[along_v]))
    return pairs, sampled
