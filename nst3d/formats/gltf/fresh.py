"""Writes a mesh from any source as a new glTF document: geometry, nodes, plain materials and the paint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nst3d.formats.gltf.capture import capture_extras
from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.formats.gltf.edit import VERTEX_DATA, GltfEditor
from nst3d.formats.gltf.textures import PaintedImage, new_texture
from nst3d.formats.gltf.tint import colour_rows, linear_light
from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import Mesh, Part
from nst3d.representations.paint import MeshPaint, TexturePaint, VertexPaint
from nst3d.representations.split import split_vertices
from nst3d.tensors import Array

_FAR = 16.0  # a part this many times its size away from the origin gets a translation, for float32's sake


def fresh_document(
    path: Path, mesh: Mesh, paint: MeshPaint, images: Mapping[int, PaintedImage], colours: Array
) -> GltfEditor:
    """A glTF document with a mesh for each part and a node for each instance.

    Texture paint: `images` are the slots', TEXCOORD_0 the part's own UVs (a fresh atlas comes as TEXCOORD_1).
    Vertex paint: COLOR_0 holds `colours` (n, 3), sRGB-encoded, as 16-bit linear light. The scene is rotated
    to y up, facing +z, as glTF requires. The offset of parts far from their origin is moved into their node's
    matrix, so that float32 keeps their shape. For a mesh made from a capture, the asset's extras store the
    transform from the capture to the rotated scene.
    """
    upright = _to_y_up(mesh)
    asset: Json = {"version": "2.0", "generator": "nst3d"}
    if mesh.scene_from_capture is not None:
        asset["extras"] = capture_extras(upright @ mesh.scene_from_capture)
    editor = GltfEditor(GltfDocument(path, {"asset": asset}, (), {}))
    if isinstance(paint, TexturePaint):
        coated = _textured(editor, mesh, paint, images)
    else:
        coated = _vertex_coloured(editor, mesh, paint, colours)
    nodes = []
    for instance in mesh.instances:
        index, offset = coated[instance.part]
        node: Json = {"name": instance.name or mesh.parts[instance.part].name, "mesh": index}
        nodes.append(editor.append("nodes", node | _matrix(instance.transform @ _translation(offset))))
    turn = _matrix(upright)
    if turn:
        nodes = [editor.append("nodes", {"name": "upright", "children": nodes} | turn)]
    editor.append("scenes", {"nodes": nodes})
    editor.json["scene"] = 0
    return editor


def _textured(
    editor: GltfEditor, mesh: Mesh, paint: TexturePaint, images: Mapping[int, PaintedImage]
) -> list[tuple[int, Array]]:
    """The glTF mesh of each part and the (3,) offset that its nodes add."""
    textures, materials = {}, {}
    for slot in sorted(set(paint.slot_of_part)):
        texture = new_texture(editor, images[slot].wrap)
        textures[slot] = editor.append("textures", texture)
        texture["source"] = editor.put_image(images[slot].png, images[slot].name)
    written = []
    for part, uvs, fresh, slot in zip(mesh.parts, paint.uvs, paint.fresh, paint.slot_of_part):
        sets = [part.uvs, uvs] if fresh and part.uvs is not None else [uvs]
        key = (part.material, slot, len(sets) - 1)
        if key not in materials:
            material = _alpha_mode(paint.slots[slot].alpha) | _material(mesh, part.material)
            material["pbrMetallicRoughness"]["baseColorTexture"] = {
                "index": textures[slot],
                "texCoord": key[2],
            }
            materials[key] = editor.append("materials", material)
        written.append(_write_part(editor, part, sets, None, materials[key]))
    return written


def _vertex_coloured(
    editor: GltfEditor, mesh: Mesh, paint: VertexPaint, colours: Array
) -> list[tuple[int, Array]]:
    """The glTF mesh of each part and the (3,) offset that its nodes add."""
    materials = {
        index: editor.append("materials", _material(mesh, index))
        for index in sorted({part.material for part in paint.parts})
    }
    written = []
    for index, part in enumerate(paint.parts):
        own = paint.at_vertices(index, colours)
        sets = [] if part.uvs is None else [part.uvs]
        written.append(_write_part(editor, part, sets, own, materials[part.material]))
    return written


def _write_part(
    editor: GltfEditor, part: Part, uv_sets: list[Array], colours: Array | None, material: int
) -> tuple[int, Array]:
    corners = np.concatenate([*uv_sets, np.empty((len(part.faces), 3, 0))], axis=2)
    vertex_map, faces, uvs = split_vertices(part.faces, corners)
    offset = _far_offset(part.vertices[vertex_map])
    positions = (part.vertices[vertex_map] - offset).astype("<f4")
    attributes = {"POSITION": editor.put_rows(positions, VERTEX_DATA, bounds=True)}
    if part.normals is not None:
        attributes["NORMAL"] = editor.put_rows(part.normals[vertex_map].astype("<f4"), VERTEX_DATA)
    alphas = None if part.alphas is None else part.alphas[vertex_map]
    if colours is None and alphas is not None:
        colours = np.ones((len(part.vertices), 3))
    for k in range(len(uv_sets)):
        attributes[f"TEXCOORD_{k}"] = editor.put_uvs(uvs[:, 2 * k : 2 * k + 2])
    if colours is not None:
        attributes["COLOR_0"] = editor.put_rows(
            colour_rows(linear_light(colours[vertex_map]), alphas), VERTEX_DATA
        )
        editor.json["accessors"][attributes["COLOR_0"]]["normalized"] = True
    primitive = {
        "attributes": attributes,
        "indices": editor.put_indices(faces, len(vertex_map)),
        "material": material,
    }
    return editor.append("meshes", {"name": part.name, "primitives": [primitive]}), offset


def _material(mesh: Mesh, index: int) -> Json:
    material = mesh.materials[index]
    matt: Json = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    plain: Json = {"name": material.name, "doubleSided": material.double_sided, "pbrMetallicRoughness": matt}
    if material.alpha_mode == "opaque":
        return plain
    matt["baseColorFactor"] = [1.0, 1.0, 1.0, material.alpha]
    cutoff = {"alphaCutoff": material.cutoff} if material.alpha_mode == "mask" else {}
    return plain | {"alphaMode": material.alpha_mode.upper()} | cutoff


def _alpha_mode(alpha: Array | None) -> Json:
    if alpha is None or ((alpha := from_bytes(alpha)) == 1).all():
        return {}
    return {"alphaMode": "MASK" if np.isin(alpha, (0, 1)).all() else "BLEND"}


def _far_offset(vertices: Array) -> Array:
    """(3,): the centre of the vertices if they are too far out for float32, otherwise zero."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    middle = (low + high) / 2
    return middle if np.abs(middle).max() > _FAR * (high - low).max() else np.zeros(3)


def _translation(offset: Array) -> Array:
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix


def _matrix(matrix: Array) -> Json:
    """The node property for a (4, 4) matrix; empty for the identity."""
    return {} if np.array_equal(matrix, np.eye(4)) else {"matrix": matrix.T.ravel().tolist()}


def _to_y_up(mesh: Mesh) -> Array:
    """The (4, 4) rotation that takes the mesh's up to +y and its front, made perpendicular to it, to +z."""
    up = np.array(mesh.up) / np.linalg.norm(mesh.up)
    front = np.array(mesh.front) - up * np.dot(mesh.front, up)
    front /= np.linalg.norm(front)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([np.cross(up, front), up, front])
    return matrix
