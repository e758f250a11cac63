"""The placed surface for renderers: world triangles, and the table rows or texels of each corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nst3d.representations.mesh import WRAP_CODE, Mesh, Part
from nst3d.representations.opacity import Opacity, surface_opacity
from nst3d.representations.paint import MeshPaint, TexturePaint, VertexPaint
from nst3d.representations.triangles import cross, face_areas, face_normals, normal_maps, unit
from nst3d.tensors import Array

# Grid directions within two steps of the origin, one of each opposite pair.
_HALF_SPACE = np.argwhere(np.ones((5, 5, 5)))[:62].astype(np.float32) - 2
_CREASE = np.cos(np.radians(40.0))
_CANCELLED = 0.1
"""Length of the mean of unit normals at a position below which faces there lie back to back."""

_OUTSIDE = 1.5
"""Distance from the centre beyond which a point is a stray: `unit_frame` brings all others within 1."""


@dataclass(frozen=True)
class VertexBinding:
    """Binding to vertices: the colour at a point is the barycentric mean of three rows."""

    rows: Array
    """(f, 3) int32, table row of each corner."""


@dataclass(frozen=True)
class TexelBinding:
    """Binding to textures: the colour at a point is the bilinear mean of four texels."""

    corners: Array
    """(f, 3, 2) float32 UVs, origin bottom-left."""
    slot: Array
    """(f,) int32, slot of each face."""
    slots: Array
    """(s, 5) int32, per slot: first row, height, width, wrap along u, wrap along v (`WRAP_CODE`)."""


@dataclass(frozen=True)
class Surface:
    """World triangles of all instances in the unit sphere (`Mesh.frame`), with their paint binding."""

    positions: Array
    """(v, 3) float32."""
    faces: Array
    """(f, 3) int32."""
    normals: Array
    """(f, 3, 3) float32 unit normals of each face's corners."""
    part: Array
    """(f,) int32, part of the mesh that each face comes from."""
    local_face: Array
    """(f,) int32, index of the face in that part."""
    binding: VertexBinding | TexelBinding
    num_colours: int
    up: Array
    """(3,) float64, world up."""
    front: Array
    """(3,) float64, direction that the asset faces."""
    opacity: Opacity | None = None
    """How much light its points stop; None: all of it."""
    sides: Array | None = None
    """(f,) int8: 0 for faces seen from both sides, 1 for those seen only from where their corners turn
    counter-clockwise, -1 clockwise (in mirrored instances). None: all from both."""

    @property
    def solid(self) -> bool:
        """Whether every point stops all light from both sides."""
        return self.opacity is None and self.sides is None

    def made_solid(self) -> Surface:
        """The surface with every point opaque and shown from both sides."""
        return replace(self, opacity=None, sides=None)

    def hull(self, most: int) -> Array:
        """About `most` of the positions, (k, 3) float64, that a view must frame.

        They are an even sample of all, plus the outermost in 124 directions, because a thin spire has few
        vertices. Strays, which are outside of the unit sphere, are left out.
        """
        near = np.linalg.norm(self.positions, axis=1) < _OUTSIDE
        positions = self.positions if near.all() or not near.any() else self.positions[near]
        step = max(1, len(positions) // most)
        if step == 1:
            return positions.astype(np.float64)
        reaches = (positions @ direction for direction in _HALF_SPACE)
        outermost = {int(k) for reach in reaches for k in (reach.argmin(), reach.argmax())}
        chosen = np.union1d(np.arange(0, len(positions), step), sorted(outermost))
        return positions[chosen].astype(np.float64)

    def areas(self) -> Array:
        """World area of each face, (f,) float64."""
        return face_areas(self.positions, self.faces)


def build_surface(mesh: Mesh, paint: MeshPaint) -> Surface:
    """Place all instances of a mesh and bind their corners to the colour table of `paint`."""
    parts = paint.parts if isinstance(paint, VertexPaint) else mesh.parts
    corner_normals = [_corner_normals(p, not mesh.materials[p.material].double_sided) for p in parts]
    positions, faces, normals, part, local_face, sides = [], [], [], [], [], []
    offset = 0
    linear = np.stack([i.transform[:3, :3] for i in mesh.instances])
    for instance, turn, side in zip(mesh.instances, normal_maps(linear), _sides(mesh, parts, linear)):
        source = parts[instance.part]
        placed = source.vertices @ instance.transform[:3, :3].T + instance.transform[:3, 3]
        positions.append(mesh.frame.apply(placed).astype(np.float32))
        faces.append(source.faces + offset)
        own = corner_normals[instance.part].reshape(-1, 3).astype(np.float64)
        turned = np.einsum("...ij,...j->...i", turn, own)
        normals.append(unit(turned).reshape(-1, 3, 3).astype(np.float32))
        part.append(np.full(len(source.faces), instance.part, np.int32))
        local_face.append(np.arange(len(source.faces), dtype=np.int32))
        sides.append(np.full(len(source.faces), side, np.int8))
        offset += len(source.vertices)
    part_of_face, local = np.concatenate(part), np.concatenate(local_face)
    return Surface(
        positions=np.concatenate(positions),
        faces=np.concatenate(faces).astype(np.int32),
        normals=np.concatenate(normals),
        part=part_of_face,
        local_face=local,
        binding=_bind(paint, part_of_face, local),
        num_colours=paint.num_colours,
        up=np.asarray(mesh.up, np.float64),
        front=np.asarray(mesh.front, np.float64),
        opacity=surface_opacity(mesh, parts, part_of_face, local),
        sides=one_sided if (one_sided := np.concatenate(sides)).any() else None,
    )


def _sides(mesh: Mesh, parts: Sequence[Part], linear: Array) -> Array:
    """The side from which each instance's faces are seen, (i,), as in `Surface.sides`."""
    both = np.array([mesh.materials[parts[i.part].material].double_sided for i in mesh.instances])
    return np.where(both, 0, np.where(np.linalg.det(linear) >= 0, 1, -1))


def rows_of_parts(part: Array, count: int) -> list[Array]:
    """The ascending rows of each of `count` parts, given the part (n,) of each row; one sort, however many parts."""
    order = np.argsort(part, kind="stable")
    return np.split(order, np.searchsorted(part[order], np.arange(1, count)))


def _bind(paint: MeshPaint, part: Array, local_face: Array) -> VertexBinding | TexelBinding:
    if isinstance(paint, VertexPaint):
        welded = welded_rows(paint)
        rows = np.empty((len(part), 3), np.int32)
        for here, source, offset in zip(rows_of_parts(part, len(paint.parts)), paint.parts, paint.offsets):
            rows[here] = welded[source.paint_rows[source.faces[local_face[here]]] + offset]
        return VertexBinding(rows)
    return _bind_texels(paint, part, local_face)


def _bind_texels(paint: TexturePaint, part: Array, local_face: Array) -> TexelBinding:
    corners = np.empty((len(part), 3, 2), np.float32)
    for here, uvs in zip(rows_of_parts(part, len(paint.uvs)), paint.uvs):
        corners[here] = uvs[local_face[here]]
    slots = [(s.offset, *s.size, WRAP_CODE[s.wrap[0]], WRAP_CODE[s.wrap[1]]) for s in paint.slots]
    return TexelBinding(
        corners=corners,
        slot=np.asarray(paint.slot_of_part, np.int32)[part],
        slots=np.asarray(slots, np.int32),
    )


def welded_rows(paint: VertexPaint) -> Array:
    """For each row of a vertex table the representative row of its position, (n,) int32.

    Files split vertices where UVs or normals are discontinuous; giving all copies one colour avoids seams.
    Voxels represent themselves.
    """
    rows = np.arange(paint.num_colours, dtype=np.int32)
    for part, offset in zip(paint.parts, paint.offsets):
        if part.cells is not None:
            continue
        first, inverse = weld(part.vertices)
        rows[offset : offset + len(part.vertices)] = offset + first[inverse]
    return rows


def weld(vertices: Array) -> tuple[Array, Array]:
    """Groups of equal positions: the first index of each group, and each vertex's group."""
    keys = np.ascontiguousarray(vertices + 0.0).view([("", vertices.dtype)] * 3).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first, inverse.ravel()


def _corner_normals(part: Part, one_sided: bool) -> Array:
    """(f, 3, 3) unit normals: the file's own, or smooth ones with creases."""
    if part.normals is not None:
        return part.normals[part.faces].astype(np.float32)
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    flat = unit(cross(b - a, c - a))
    corners = _smooth_normals(part, one_sided)
    sharp = np.einsum("fkc,fc->fk", corners, flat) < _CREASE
    corners[sharp] = np.broadcast_to(flat[:, None], corners.shape)[sharp]
    return corners.astype(np.float32)


def _smooth_normals(part: Part, one_sided: bool) -> Array:
    """For each corner (f, 3, 3) the mean normal of the faces around its position.

    Faces are weighted by their angle there (Thürmer & Wüthrich 1998), so that the triangulation of a flat
    side does not matter. Where single-sided sheets lie back to back, each side has its own mean.
    """
    first, inverse = weld(part.vertices)
    corners = part.vertices[part.faces]
    flat = face_normals(corners)  # 0 for faces without area, which then do not count
    edges = unit(np.roll(corners, -1, axis=1) - corners)
    angle = np.arccos(np.clip(-np.einsum("fkc,fkc->fk", edges, np.roll(edges, 1, axis=1)), -1, 1))
    group = inverse[part.faces]
    total = _sums(group, flat, angle, len(first))
    if one_sided:
        around = np.bincount(group.ravel(), angle.ravel(), len(first))
        cancelled = np.linalg.norm(total, axis=1) < _CANCELLED * around
        one = np.zeros((len(first), 3))
        one[group] = flat[:, None]
        behind = cancelled[group] & (np.einsum("fkc,fc->fk", one[group], flat) < 0)
        group = group + len(first) * behind
        total = _sums(group, flat, angle, 2 * len(first))
    return unit(total)[group]


def _sums(group: Array, flat: Array, angle: Array, count: int) -> Array:
    """The sum (count, 3) of face normals by angle over each group of corners (f, 3)."""
    total = np.zeros((count, 3))
    for k in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(group[:, k], flat[:, axis] * angle[:, k], count)
    return total
