"""trimesh.Trimesh and trimesh.Scene, painted in memory."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from PIL import Image

from nst3d.formats.meshes.from_trimesh import SceneNames, mesh_of_scene
from nst3d.images.levels import to_bytes
from nst3d.integrations.objects import ObjectKind, Painted, PaintedPart, painted_parts, register_object
from nst3d.representations.mesh import Mesh
from nst3d.representations.repair import repaired
from nst3d.representations.split import split_vertices
from nst3d.tensors import Array

_OTHER_MAPS = ("emissiveTexture", "normalTexture", "occlusionTexture", "metallicRoughnessTexture")


def _read_scene(scene: Any) -> Sequence[Mesh]:
    mesh = mesh_of_scene(scene, SceneNames("geometry", linear=True, merged=False))
    return [repaired(mesh, "the trimesh.Scene")]


def _read_mesh(mesh: Any) -> Sequence[Mesh]:
    scene = import_module("trimesh").Scene({"mesh": mesh})
    return [
        repaired(mesh_of_scene(scene, SceneNames("mesh", linear=True, merged=False)), "the trimesh.Trimesh")
    ]


def _give_scene(scene: Any, painted: Sequence[Painted]) -> Any:
    result = scene.copy()
    for piece in painted_parts(painted[0]):
        result.geometry[piece.part.name] = _dressed(result.geometry[piece.part.name], piece)
    return result


def _give_mesh(mesh: Any, painted: Sequence[Painted]) -> Any:
    (piece,) = painted_parts(painted[0])
    return _dressed(mesh, piece)


def _dressed(old: Any, piece: PaintedPart) -> Any:
    """A copy of a geometry with its paint; geometry that the paint leaves alone is exactly the old one."""
    visual, part = import_module("trimesh").visual, piece.part
    vertices, faces, kept = part.vertices, part.faces, np.arange(len(part.vertices))
    if piece.colours is not None:
        opaque = np.full(len(vertices), 255, np.uint8)
        looks = visual.ColorVisuals(vertex_colors=np.c_[to_bytes(piece.colours), opaque])
    else:
        assert piece.uvs is not None
        uvs = None if piece.fresh or len(vertices) != len(old.vertices) else getattr(old.visual, "uv", None)
        if uvs is None:
            kept, faces, uvs = split_vertices(faces, piece.uvs)
            vertices = vertices[kept]
        looks = visual.TextureVisuals(uv=np.array(uvs), material=_material(old.visual, piece))
    made = type(old)(vertices, faces, process=False, metadata=old.metadata, visual=looks)
    if len(part.vertices) == len(old.vertices):
        for name, values in old.vertex_attributes.items():
            made.vertex_attributes[name] = values[kept]
    return made


def _material(visual: Any, piece: PaintedPart) -> Any:
    """The old material with the painted picture, final and without a factor; maps on other UVs are dropped."""
    materials = import_module("trimesh").visual.material
    picture = Image.fromarray(np.ascontiguousarray(piece.pixels))
    old = getattr(visual, "material", None)
    if isinstance(old, materials.PBRMaterial):
        made = old.copy()
        made.baseColorTexture, made.baseColorFactor = picture, _opacity(old.baseColorFactor)
        if piece.fresh:
            for other in _OTHER_MAPS:
                setattr(made, other, None)
        return made
    name: str | None = getattr(old, "name", None)
    if isinstance(old, materials.SimpleMaterial):
        return materials.SimpleMaterial(
            picture, (255, 255, 255, 255), old.ambient, old.specular, old.glossiness, name=name
        )
    return materials.PBRMaterial(name=name, baseColorTexture=picture, metallicFactor=0.0, roughnessFactor=1.0)


def _opacity(factor: Array | None) -> Array | None:
    """White with the factor's opacity."""
    return None if factor is None else np.array([255, 255, 255, factor[3]], np.uint8)


register_object(ObjectKind("trimesh.Scene", "trimesh", ("Scene",), "mesh", _read_scene, _give_scene))
register_object(ObjectKind("trimesh.Trimesh", "trimesh", ("Trimesh",), "mesh", _read_mesh, _give_mesh))
