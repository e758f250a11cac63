"""The placed surface that renderers see: world triangles, and where each corner reads the colour table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.representations.mesh import Mesh, Part
from nst3d.representations.paint import MeshPaint, TexturePaint, VertexPaint
from nst3d.tensors import Array

WRAP_CODE = {"repeat": 0, "clamp": 1, "mirror": 2}
_CREASE = np.cos(np.radians(40.0))


@dataclass(frozen=True)
class VertexBinding:
    """Corners read vertices: the colour at a point is the barycentric mean of three rows."""

    rows: Array
    """(f, 3) int32, the table's row at each corner."""


@dataclass(frozen=True)
class TexelBinding:
    """Corners read textures: the colour at a point is the bilinear mean of four texels."""

    corners: Array
    """(f, 3, 2) float32 UVs, origin bottom-left."""
    slot: Array
    """(f,) int32, which slot each face reads."""
    slots: Array
    """(s, 5) int32 a slot: first row, height, width, wrap along u, wrap along v (`WRAP_CODE`)."""


@dataclass(frozen=True)
class Surface:
    """World triangles in the unit sphere (`Mesh.frame`), instances placed, with their paint binding."""

    positions: Array
    """(v, 3) float32."""
    faces: Array
    """(f, 3) int32."""
    normals: Array
    """(f, 3, 3) float32 unit normals of each face's corners."""
    part: Array
    """(f,) int32, the mesh's part that each face comes from."""
    local_face: Array
    """(f,) int32, its number in that part."""
    binding: VertexBinding | TexelBinding
    num_colours: int
    up: Array
    """(3,) float64, world up."""
    front: Array
    """(3,) float64, the direction that the asset faces."""

    def areas(self) -> Array:
        """World area of each face, (f,) float64."""
        return face_areas(self.positions, self.faces)


def face_areas(positions: Array, faces: Array) -> Array:
    """Area of each triangle, (f,) float64."""
    a, b, c = (positions[faces[:, k]].astype(np.float64) for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def build_surface(mesh: Mesh, paint: MeshPaint) -> Surface:
    """Place all instances of a mesh and bind their corners to the colour table of `paint`."""
    parts = paint.parts if isinstance(paint, VertexPaint) else mesh.parts
    corner_normals = [_corner_normals(p) for p in parts]
    positions, faces, normals, part, local_face = [], [], [], [], []
    offset = 0
    for instance in mesh.instances:
        source = parts[instance.part]
        placed = source.vertices @ instance.transform[:3, :3].T + instance.transform[:3, 3]
        positions.append(mesh.frame.apply(placed).astype(np.float32))
        faces.append(source.faces + offset)
        normals.append(_rotated(corner_normals[instance.part], instance.transform))
        part.append(np.full(len(source.faces), instance.part, np.int32))
        local_face.append(np.arange(len(source.faces), dtype=np.int32))
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
    )


def _bind(paint: MeshPaint, part: Array, local_face: Array) -> VertexBinding | TexelBinding:
    if isinstance(paint, VertexPaint):
        welded = welded_rows(paint)
        rows = np.empty((len(part), 3), np.int32)
        for index, (source, offset) in enumerate(zip(paint.parts, paint.offsets)):
            here = part == index
            rows[here] = welded[source.faces[local_face[here]] + offset]
        return VertexBinding(rows)
    return _bind_texels(paint, part, local_face)


def _bind_texels(paint: TexturePaint, part: Array, local_face: Array) -> TexelBinding:
    corners = np.empty((len(part), 3, 2), np.float32)
    for index, uvs in enumerate(paint.uvs):
        here = part == index
        corners[here] = uvs[local_face[here]]
    slots = [(s.offset, *s.size, WRAP_CODE[s.wrap[0]], WRAP_CODE[s.wrap[1]]) for s in paint.slots]
    return TexelBinding(
        corners=corners,
        slot=np.asarray(paint.slot_of_part, np.int32)[part],
        slots=np.asarray(slots, np.int32),
    )


def welded_rows(paint: VertexPaint) -> Array:
    """For each row of a vertex table the row that stands for its position, (n,) int32.

    Files split vertices where UVs or normals jump; giving both copies one colour leaves no seam.
    """
    rows = np.empty(paint.num_colours, np.int32)
    for part, offset in zip(paint.parts, paint.offsets):
        first, inverse = weld(part.vertices)
        rows[offset : offset + len(part.vertices)] = offset + first[inverse]
    return rows


def weld(vertices: Array) -> tuple[Array, Array]:
    """Groups equal positions: the first index of each group, and each vertex' group."""
    keys = np.ascontiguousarray(vertices + 0.0).view([("", vertices.dtype)] * 3).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first, inverse.ravel()


def _corner_normals(part: Part) -> Array:
    """(f, 3, 3) unit normals: the file's own, or smooth ones that break at creases."""
    if part.normals is not None:
        return part.normals[part.faces].astype(np.float32)
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    flat = _unit(np.cross(b - a, c - a))
    corners = _smooth_normals(part)[part.faces]
    sharp = np.einsum("fkc,fc->fk", corners, flat) < _CREASE
    corners[sharp] = np.broadcast_to(flat[:, None], corners.shape)[sharp]
    return corners.astype(np.float32)


def _smooth_normals(part: Part) -> Array:
    """(v, 3) the mean normal of the faces around each position.

    Faces count by their angle there (Thürmer & Wüthrich 1998), so that it does not matter how a flat side
    is cut into triangles.
    """
    first, inverse = weld(part.vertices)
    corners = part.vertices[part.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-300)  # no area, no say
    edges = _unit(np.roll(corners, -1, axis=1) - corners)
    total = np.zeros((len(first), 3))
    for k in range(3):
        angle = np.arccos(np.clip(-np.einsum("fc,fc->f", edges[:, k], edges[:, k - 1]), -1, 1))
        for axis in range(3):
            weights = flat[:, axis] * angle
            total[:, axis] += np.bincount(inverse[part.faces[:, k]], weights, len(first))
    return _unit(total)[inverse]


def _rotated(normals: Array, transform: Array) -> Array:
    """Normals under an affine map: its inverse transpose (the cofactors, which need no inverse)."""
    linear = transform[:3, :3]
    cofactors = np.stack([np.cross(linear[(i + 1) % 3], linear[(i + 2) % 3]) for i in range(3)])
    sign = -1.0 if np.linalg.det(linear) < 0 else 1.0
    return _unit(normals.astype(np.float64) @ (sign * cofactors).T).astype(np.float32)


def _unit(vectors: Array) -> Array:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 0, vectors / np.where(length > 0, length, 1.0), [0.0, 0.0, 1.0])
