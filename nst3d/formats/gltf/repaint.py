"""Paints a kept glTF document: only the base colours change."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from nst3d.formats.gltf.accessors import read_rows, read_values
from nst3d.formats.gltf.document import GltfDocument, Json, extension, walk
from nst3d.formats.gltf.edit import VERTEX_DATA, GltfEditor
from nst3d.formats.gltf.materials import PLAIN_SOURCES, SPECULAR, TRANSFORM, base_colour
from nst3d.formats.gltf.textures import PaintedImage, swap_textures
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import TexturePaint
from nst3d.representations.split import split_vertices
from nst3d.tensors import Array

_UNUSED_AFTERWARDS = (*PLAIN_SOURCES, "KHR_texture_basisu", "MSFT_texture_dds", TRANSFORM)


@dataclass
class _Coat:
    """Parts with the same material and slot, which keep sharing a material."""

    material: int
    slot: int
    fresh: bool
    parts: list[int] = field(default_factory=list)


def repaint(
    document: GltfDocument, mesh: Mesh, paint: TexturePaint, images: Mapping[int, PaintedImage]
) -> GltfEditor:
    """The document with the image of each slot as the base colour of the slot's parts.

    Painted colours already include the factor and the vertex colours: factors become white (alpha stays) and
    COLOR_0 is removed. Parts with fresh UVs have their vertices split as needed, and the new UV set comes
    after the file's own. A material shared between slots, or with unpainted parts, is copied first. Parts with
    a material of `paint.kept_materials` stay as they are; so do images that only they show.
    """
    editor = GltfEditor(document)
    taken: set[int] = set()
    painted: list[tuple[list[tuple[Json, str]], Json]] = []
    wanted: list[tuple[int, int | None]] = []
    for coat in _coats(mesh, paint):
        places, info = _strip(_own_material(editor, coat, taken))
        wanted.append((coat.slot, info.get("index")))
        if coat.fresh:
            info = {"texCoord": _write_atlas(editor, mesh, paint, coat)}
        else:
            for part in coat.parts:
                _whiten(editor, _primitive(editor, part))
        painted.append((places, info))
    for texture, (places, info) in zip(swap_textures(editor, images, wanted), painted):
        for holder, key in places:
            holder[key] = {**copy.deepcopy(info), "index": texture}
    _forget_extensions(editor.json)
    return editor


def _coats(mesh: Mesh, paint: TexturePaint) -> list[_Coat]:
    """All painted parts, grouped; those painted on their own UVs first, so that they keep their material."""
    coats: dict[tuple[int, int, bool], _Coat] = {}
    for part in sorted(range(len(mesh.parts)), key=lambda i: paint.fresh[i]):
        key = (mesh.parts[part].material, paint.slot_of_part[part], paint.fresh[part])
        if key[0] in paint.kept_materials:
            continue
        coats.setdefault(key, _Coat(*key)).parts.append(part)
    return list(coats.values())


def _primitive(editor: GltfEditor, part: int) -> Json:
    mesh, index = editor.document.sources[part]
    found: Json = editor.json["meshes"][mesh]["primitives"][index]
    return found


def _own_material(editor: GltfEditor, coat: _Coat, taken: set[int]) -> Json:
    """A material used by this coat alone: the file's, a copy of it, or a new one if it had none."""
    document = editor.document
    mine = {document.sources[part] for part in coat.parts}
    users = {
        (m, p)
        for m, mesh in enumerate(document.items("meshes"))
        for p, primitive in enumerate(mesh["primitives"])
        if primitive.get("material") == coat.material
    }
    known = coat.material < len(document.items("materials"))
    if known and coat.material not in taken and (not coat.fresh or users <= mine):
        taken.add(coat.material)
        found: Json = editor.json["materials"][coat.material]
        return found
    # glTF's default material is bare metal, which shows no paint: the new one is matt.
    plain: Json = {"pbrMetallicRoughness": {"metallicFactor": 0.0}}
    material = copy.deepcopy(document.items("materials")[coat.material]) if known else plain
    index = editor.append("materials", material)
    for part in coat.parts:
        _primitive(editor, part)["material"] = index
    return material


def _strip(material: Json) -> tuple[list[tuple[Json, str]], Json]:
    """Removes a material's base-colour textures and makes its factors white.

    Returns where the painted texture belongs (object and key) and the former texture info, or {}.
    With KHR_materials_pbrSpecularGlossiness the core base colour is painted too, for viewers without it.
    """
    specular = extension(material, SPECULAR) is not None
    pbr = material.setdefault("pbrMetallicRoughness", {"metallicFactor": 0.0} if specular else {})
    holders = [base_colour(material)]
    if specular:
        holders.append((pbr, "baseColorTexture", "baseColorFactor"))
    infos = [holder.pop(key, {}) for holder, key, _ in holders]
    for holder, _, factor in holders:
        if factor in holder:
            holder[factor] = [1.0, 1.0, 1.0, *holder[factor][3:]]
    return [(holder, key) for holder, key, _ in holders], infos[0]


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


def _write_atlas(editor: GltfEditor, mesh: Mesh, paint: TexturePaint, coat: _Coat) -> int:
    """Gives the coat's primitives their new UVs; returns the number of that TEXCOORD set."""
    uv_set = max(_free_uv_set(_primitive(editor, part)) for part in coat.parts)
    for part in coat.parts:
        primitive = _primitive(editor, part)
        first = _free_uv_set(primitive)
        vertex_map, faces, uvs = split_vertices(mesh.parts[part].faces, paint.uvs[part])
        _split(editor, primitive, vertex_map)
        _whiten(editor, primitive, vertex_map)
        accessor = editor.put_uvs(uvs)
        # Sets must be numbered without gaps, so a primitive with fewer sets repeats the new one in between.
        primitive["attributes"] |= {f"TEXCOORD_{k}": accessor for k in range(first, uv_set + 1)}
        primitive["indices"] = editor.put_indices(faces, len(vertex_map), primitive.get("indices"))
        if "mode" in primitive:
            primitive["mode"] = 4
    return uv_set


def _free_uv_set(primitive: Json) -> int:
    names = [name for name in primitive["attributes"] if name.startswith("TEXCOORD_")]
    return max((int(name.removeprefix("TEXCOORD_")) + 1 for name in names), default=0)


def _split(editor: GltfEditor, primitive: Json, vertex_map: Array) -> None:
    """Gathers the rows of all attributes and morph targets except vertex colours, as stored."""
    for attributes in (primitive["attributes"], *primitive.get("targets", [])):
        for name, accessor in attributes.items():
            if name != "COLOR_0":
                rows = read_rows(editor.document, accessor)[vertex_map]
                attributes[name] = editor.put_rows(rows, VERTEX_DATA, accessor, bounds=name == "POSITION")


def _forget_extensions(content: Json) -> None:
    """Removes extensions from the document's lists that only the old textures used."""
    present = {key for key, _ in walk(content)}
    for kind in ("extensionsUsed", "extensionsRequired"):
        names = content.get(kind, [])
        names[:] = [name for name in names if name not in _UNUSED_AFTERWARDS or name in present]
        if kind in content and not names:
            del content[kind]
