"""Open3D's TriangleMesh and PointCloud (open3d.geometry), painted in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nst3d.formats.meshes.textures import PLAIN_GREY
from nst3d.formats.splats.points import splats_of_points
from nst3d.integrations.objects import ObjectKind, Painted, PaintedPart, painted_parts, register_object
from nst3d.integrations.open3d.package import open3d
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Similarity, Texture
from nst3d.representations.points import PointCloud
from nst3d.representations.repair import repaired
from nst3d.representations.rows import used_rows
from nst3d.representations.splats import Splats

_UP = (0.0, 1.0, 0.0)
_WHITE = (1.0, 1.0, 1.0)


def _read_mesh(mesh: Any) -> Sequence[Mesh]:
    textures = [_texture(image, k) for k, image in enumerate(mesh.textures) if not image.is_empty()]
    corners = np.asarray(mesh.triangle_uvs).reshape(-1, 3, 2)
    faces = np.array(mesh.triangles, np.int32)
    textured = bool(textures) and len(corners) == len(faces)
    colours = np.array(mesh.vertex_colors, np.float32) if mesh.has_vertex_colors() and not textured else None
    normals = np.array(mesh.vertex_normals, np.float32) if mesh.has_vertex_normals() else None
    numbers = np.asarray(mesh.triangle_material_ids)
    if not textured or len(numbers) != len(faces):
        numbers = np.zeros(len(faces), np.int64)
    factor = _WHITE if textured or colours is not None else PLAIN_GREY
    vertices = np.array(mesh.vertices, np.float64)
    parts, materials = list[Part](), list[Material]()
    for number in np.unique(numbers):
        mine = numbers == number
        rows, own = used_rows(len(vertices), faces[mine])
        if mine.all():
            rows, own = np.arange(len(vertices)), faces
        parts.append(
            Part(
                f"material_{number}",
                vertices[rows],
                own,
                len(parts),
                None if normals is None else normals[rows],
                np.array(corners[mine]) if textured else None,
                None if colours is None else colours[rows],
            )
        )
        texture = int(number) if textured and 0 <= number < len(textures) else None
        materials.append(Material(parts[-1].name, factor, texture))
    instances = tuple(Instance(k) for k in range(len(parts)))
    frame = Similarity(np.zeros(3), 1.0)
    made = Mesh(tuple(parts), instances, tuple(materials), tuple(textures), frame)
    return [repaired(made, "the open3d.geometry.TriangleMesh")]


def _texture(image: Any, number: int) -> Texture:
    """Open3D's pictures have their first row at the bottom."""
    pixels = np.atleast_3d(np.asarray(image))[::-1].astype(np.float32)
    pixels /= 255 if np.asarray(image).dtype == np.uint8 else 1
    colour = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
    alpha = pixels[..., 3].copy() if pixels.shape[2] == 4 and (pixels[..., 3] < 1).any() else None
    return Texture(f"texture_{number}", np.ascontiguousarray(np.clip(colour, 0, 1)), alpha)


def _give_mesh(mesh: Any, painted: Sequence[Painted]) -> Any:
    geometry = open3d("painting an open3d.geometry.TriangleMesh").geometry
    pieces = painted_parts(painted[0])
    made = geometry.TriangleMesh()
    starts = np.cumsum([0, *(len(p.part.vertices) for p in pieces)])
    vectors, triples = _vectors()
    made.vertices = vectors(np.concatenate([p.part.vertices for p in pieces]))
    made.triangles = triples(
        np.concatenate([p.part.faces + s for p, s in zip(pieces, starts)]).astype(np.int32)
    )
    if all(p.part.normals is not None for p in pieces):
        made.vertex_normals = vectors(np.concatenate([p.part.normals for p in pieces]).astype(np.float64))
    if mesh.has_triangle_normals():
        made.compute_triangle_normals()
    _dress(made, pieces)
    return made


def _vectors() -> tuple[Any, Any]:
    utility = open3d("painting an object of Open3D").utility
    return utility.Vector3dVector, utility.Vector3iVector


def _dress(made: Any, pieces: Sequence[PaintedPart]) -> None:
    """Set textures, each picture once, or vertex colours."""
    package = open3d("painting an open3d.geometry.TriangleMesh")
    if pieces[0].pixels is None:
        made.vertex_colors = package.utility.Vector3dVector(
            np.concatenate([p.colours for p in pieces if p.colours is not None]).astype(np.float64)
        )
        return
    pictures = list({id(p.pixels): p.pixels for p in pieces}.values())
    number = {id(picture): k for k, picture in enumerate(pictures)}
    made.textures = [package.geometry.Image(np.ascontiguousarray(p[::-1])) for p in pictures if p is not None]
    uvs = [p.uvs.reshape(-1, 2) for p in pieces if p.uvs is not None]
    made.triangle_uvs = package.utility.Vector2dVector(np.concatenate(uvs))
    ids = np.concatenate([np.full(len(p.part.faces), number[id(p.pixels)], np.int32) for p in pieces])
    made.triangle_material_ids = package.utility.IntVector(ids)


def _read_points(cloud: Any) -> Sequence[Splats]:
    colours = np.array(cloud.colors, np.float32) if cloud.has_colors() else None
    normals = np.array(cloud.normals, np.float32) if cloud.has_normals() else None
    points = PointCloud(np.array(cloud.points, np.float64), colours, normals, _UP)
    return [splats_of_points(points, "the open3d.geometry.PointCloud")]


def _give_points(cloud: Any, painted: Sequence[Painted]) -> Any:
    package = open3d("painting an open3d.geometry.PointCloud")
    made = package.geometry.PointCloud(cloud)
    made.colors = package.utility.Vector3dVector(np.clip(painted[0].colours, 0, 1).astype(np.float64))
    return made


register_object(
    ObjectKind("open3d.geometry.TriangleMesh", "open3d", ("TriangleMesh",), "mesh", _read_mesh, _give_mesh)
)
register_object(
    ObjectKind("open3d.geometry.PointCloud", "open3d", ("PointCloud",), "points", _read_points, _give_points)
)
