"""Paints a kept glTF document in textures: only the base colours change."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np

from nst3d.formats.gltf.accessors import read_rows, read_values
from nst3d.formats.gltf.coats import Coat, coats_of, has_bare_users, own_material, primitive_of, strip
from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.formats.gltf.edit import VERTEX_DATA, GltfEditor
from nst3d.formats.gltf.textures import PaintedImage, swap_textures
from nst3d.formats.gltf.tidy import tidy
from nst3d.formats.gltf.uv_sets import atlas_set, put_set
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import TexturePaint
from nst3d.representations.split import split_vertices
from nst3d.tensors import Array


def repaint(
    document: GltfDocument, mesh: Mesh, paint: TexturePaint, images: Mapping[int, PaintedImage]
) -> GltfEditor:
    """The document with the image of each slot as the base colour of the slot's parts.

    Painted colours already include the factor and the vertex colours: factors become white (alpha stays) and
    COLOR_0 is removed. Parts with fresh UVs have their vertices split as needed; the new UV set is the first if no
    other map reads that, and the file's own becomes the last, otherwise the new one does. A material shared between
    slots, or with unpainted parts, is copied first. Parts with a material of `paint.kept_materials` stay as they
    are; so do images that only they show.
    """
    editor = GltfEditor(document)
    taken: set[int] = set()
    painted: list[tuple[list[tuple[Json, str]], Json]] = []
    wanted: list[tuple[int, int | None]] = []
    for coat in coats_of(mesh, paint):
        known = coat.material < len(document.items("materials"))
        alone = coat.fresh or (known and has_bare_users(document, coat.material))
        places, info = strip(own_material(editor, coat.material, coat.parts, taken, alone))
        wanted.append((coat.slot, info.get("index")))
        if coat.fresh:
            number = _write_atlas(editor, mesh, paint, coat)
            info = {"texCoord": number} if number else {}
        else:
            for part in coat.parts:
                _whiten(editor, primitive_of(editor, part))
        painted.append((places, info))
    for texture, (places, info) in zip(swap_textures(editor, images, wanted), painted):
        for holder, key in places:
            holder[key] = {**copy.deepcopy(info), "index": texture}
    tidy(editor)
    return editor


def _whiten(editor: GltfEditor, primitive: Json, vertex_map: Array | None = None) -> None:
    """Removes the vertex colours of a primitive, now part of its texture; their alpha stays.

    `vertex_map` gives the old vertex of each new one if the primitive is being split.
    """
    accessor = primitive["attributes"].get("COLOR_0")
    if accessor is None:
        return
    colours = read_values(editor.document, accessor)
    if vertex_map is None and (colours[:, :3] == 1.0).all():
        return
    for attributes in (primitive["attributes"], *primitive.get("targets", [])):
        attributes.pop("COLOR_0", None)
    if (colours[:, 3:] != 1.0).any():
        rows = read_rows(editor.document, accessor)
        rows[:, :3] = 1 if rows.dtype.kind == "f" else np.iinfo(rows.dtype).max
        rows = rows if vertex_map is None else rows[vertex_map]
        primitive["attributes"]["COLOR_0"] = editor.put_rows(rows, VERTEX_DATA, accessor)


def _write_atlas(editor: GltfEditor, mesh: Mesh, paint: TexturePaint, coat: Coat) -> int:
    """Gives the coat's primitives their new UVs; returns the number of that TEXCOORD set."""
    number = atlas_set(editor.document, [editor.document.sources[part] for part in coat.parts])
    for part in coat.parts:
        primitive = primitive_of(editor, part)
        vertex_map, faces, uvs = split_vertices(mesh.parts[part].faces, paint.uvs[part])
        _split(editor, primitive, vertex_map)
        _whiten(editor, primitive, vertex_map)
        put_set(primitive, number, editor.put_uvs(uvs))
        primitive["indices"] = editor.put_indices(faces, len(vertex_map), primitive.get("indices"))
        if "mode" in primitive:
            primitive["mode"] = 4
    return number


def _split(editor: GltfEditor, primitive: Json, vertex_map: Array) -> None:
    """Gathers the rows of all attributes and morph targets except vertex colours, as stored."""
    for attributes in (primitive["attributes"], *primitive.get("targets", [])):
        for name, accessor in attributes.items():
            if name != "COLOR_0":
                rows = read_rows(editor.document, accessor)[vertex_map]
                attributes[name] = editor.put_rows(rows, VERTEX_DATA, accessor, bounds=name == "POSITION")
