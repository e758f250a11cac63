"""trimesh's scenes as our meshes: each geometry becomes a part, each node that shows one an instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nst3d.formats.meshes.textures import PLAIN_GREY
from nst3d.images.colour import srgb_encode
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Similarity, Texture, unit_frame
from nst3d.representations.rows import unique_rows
from nst3d.representations.split import split_vertices
from nst3d.tensors import Array

_WHITE = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class SceneNames:
    """How a scene is taken."""

    fallback: str
    """Name of what has none."""
    linear: bool
    """Whether the factors of PBR materials are in linear light, as in glTF, or encoded."""
    merged: bool
    """Whether vertices that differ in UVs alone become one, as a file's readers split them."""


@dataclass
class _Looks:
    """Materials and textures so far, each once."""

    linear: bool
    materials: list[Material] = field(default_factory=list)
    textures: list[Texture] = field(default_factory=list)
    known: dict[int, int] = field(default_factory=dict)
    """id of a picture to its texture."""

    def add(self, name: str, visual: Any, uvs: Array | None) -> int:
        """The material of a geometry's visual; its index."""
        material = getattr(visual, "material", None)
        factor, texture = _WHITE, None
        if material is not None:
            picture = picture_of(material)
            texture = None if picture is None or uvs is None else self._texture(name, picture)
            factor = _factor(material, self.linear)
        elif visual.kind is None:
            factor = PLAIN_GREY
        self.materials.append(Material(name, factor, texture))
        return len(self.materials) - 1

    def _texture(self, name: str, picture: Any) -> int:
        if id(picture) not in self.known:
            self.known[id(picture)] = len(self.textures)
            pixels = np.asarray(picture.convert("RGBA"), np.float32) / 255
            alpha = pixels[..., 3].copy()
            self.textures.append(
                Texture(name, np.ascontiguousarray(pixels[..., :3]), None if (alpha == 1).all() else alpha)
            )
        return self.known[id(picture)]


def mesh_of_scene(
    scene: Any,
    names: SceneNames,
    up: tuple[float, float, float] = (0.0, 1.0, 0.0),
    front: tuple[float, float, float] = (0.0, 0.0, 1.0),
) -> Mesh:
    """The triangles of a trimesh.Scene; names of parts are the keys of its geometries.

    Faces with colours of their own get vertices of their own. What has no faces is left out. A scene without
    any gives a mesh without parts.
    """
    looks = _Looks(names.linear)
    parts: list[Part] = []
    index: dict[str, int] = {}
    instances = []
    for node in scene.graph.nodes_geometry:
        transform, key = scene.graph[node]
        geometry = scene.geometry[key]
        if not len(getattr(geometry, "faces", ())):
            continue
        if key not in index:
            index[key] = len(parts)
            parts.append(_part(str(key), geometry, looks, names.merged))
        instances.append(Instance(index[key], np.array(transform, np.float64), str(node)))
    placed = tuple(instances)
    frame = unit_frame(tuple(parts), placed) if placed else Similarity(np.zeros(3), 1.0)
    return Mesh(tuple(parts), placed, tuple(looks.materials), tuple(looks.textures), frame, up, front)


def picture_of(material: Any) -> Any:
    """The base-colour picture of a trimesh material, or None."""
    return getattr(material, "baseColorTexture", None) or getattr(material, "image", None)


def _part(name: str, geometry: Any, looks: _Looks, merged: bool) -> Part:
    visual, faces = geometry.visual, np.asarray(geometry.faces)
    vertices = np.array(geometry.vertices, np.float64)
    uvs = getattr(visual, "uv", None)
    corners = None
    if uvs is not None and len(uvs) == len(vertices):
        corners = np.array(uvs, np.float64)[:, :2][faces]
    normals = geometry.vertex_normals if merged and "vertex_normals" in geometry._cache else None
    colours = None
    if visual.kind == "vertex":
        colours = visual.vertex_colors[:, :3]
    elif visual.kind == "face":
        shades = np.repeat(visual.face_colors[:, None, :3], 3, axis=1)
        rows, faces, colours = split_vertices(faces, shades)
        vertices, normals = vertices[rows], None if normals is None else normals[rows]
    if merged:
        columns = [c for c in (vertices, normals, colours) if c is not None]
        first, group = unique_rows(np.hstack(columns))
        faces = group[faces]
        vertices = vertices[first]
        normals = None if normals is None else normals[first]
        colours = None if colours is None else colours[first]
    return Part(
        name,
        vertices,
        faces.astype(np.int32),
        looks.add(name, visual, corners),
        None if normals is None else np.asarray(normals, np.float32),
        corners,
        None if colours is None else colours.astype(np.float32) / 255,
    )


def _factor(material: Any, linear: bool) -> tuple[float, float, float]:
    """The base-colour factor, sRGB-encoded."""
    pbr = hasattr(material, "baseColorFactor")
    given = material.baseColorFactor if pbr else getattr(material, "diffuse", None)
    if given is None or (not pbr and picture_of(material) is not None):  # trimesh's default is dark grey
        return _WHITE
    colour = np.asarray(given)[:3].astype(np.float64) / 255
    red, green, blue = np.clip(srgb_encode(colour) if pbr and linear else colour, 0, 1)
    return float(red), float(green), float(blue)
