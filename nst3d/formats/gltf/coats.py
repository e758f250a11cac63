"""Which materials of a glTF document are painted, and what gives way to the paint in them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nst3d.formats.gltf.document import GltfDocument, Json, extension
from nst3d.formats.gltf.edit import GltfEditor
from nst3d.formats.gltf.materials import SPECULAR, base_colour, uv_set
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import TexturePaint

VARIANTS = "KHR_materials_variants"


@dataclass
class Coat:
    """Parts with the same material and slot, which keep sharing a material."""

    material: int
    slot: int
    fresh: bool
    parts: list[int] = field(default_factory=list)


def coats_of(mesh: Mesh, paint: TexturePaint) -> list[Coat]:
    """All painted parts, grouped; those painted on their own UVs first, so that they keep their material."""
    coats: dict[tuple[int, int, bool], Coat] = {}
    for part in sorted(range(len(mesh.parts)), key=lambda i: paint.fresh[i]):
        key = (mesh.parts[part].material, paint.slot_of_part[part], paint.fresh[part])
        if key[0] not in paint.kept_materials:
            coats.setdefault(key, Coat(*key)).parts.append(part)
    return list(coats.values())


def primitive_of(editor: GltfEditor, part: int) -> Json:
    """The primitive being edited that a part of the mesh was read from."""
    mesh, index = editor.document.sources[part]
    found: Json = editor.json["meshes"][mesh]["primitives"][index]
    return found


def mappings(primitive: Json) -> list[Json]:
    """The materials that a primitive shows in variants: objects with a `material`."""
    found = (extension(primitive, VARIANTS) or {}).get("mappings", [])
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def own_material(
    editor: GltfEditor, material: int, parts: Sequence[int], taken: set[int], alone: bool
) -> Json:
    """A material for these parts to be painted: the file's, a copy of it, or a new one if they had none.

    It is a copy if the file's is `taken` by other parts, or, if it must be `alone`, shown by any primitive that
    these parts do not include.
    """
    document = editor.document
    mine = {document.sources[part] for part in parts}
    known = material < len(document.items("materials"))
    if known and material not in taken and (not alone or set(_users(document, material)) <= mine):
        taken.add(material)
        found: Json = editor.json["materials"][material]
        return found
    # glTF's default material is bare metal, which shows no paint: the new one is matt.
    plain: Json = {"pbrMetallicRoughness": {"metallicFactor": 0.0}}
    made = copy.deepcopy(document.items("materials")[material]) if known else plain
    index = editor.append("materials", made)
    for part in parts:
        primitive = primitive_of(editor, part)
        for holder in (primitive, *mappings(primitive)):
            if holder is primitive or holder.get("material") == material:
                holder["material"] = index
    return made


def has_bare_users(document: GltfDocument, material: int) -> bool:
    """Whether a primitive that is not painted, such as lines, shows a material but has no UVs for a picture in it."""
    base, key, _ = base_colour(document.item("materials", material))
    name = f"TEXCOORD_{uv_set(base.get(key, {}))}"
    others = set(_users(document, material)) - set(document.sources)
    return any(name not in document.items("meshes")[m]["primitives"][p]["attributes"] for m, p in others)


def _users(document: GltfDocument, material: int) -> Iterator[tuple[int, int]]:
    """The (mesh, primitive) that show a material, by default or in a variant."""
    for m, mesh in enumerate(document.items("meshes")):
        for p, primitive in enumerate(mesh["primitives"]):
            if any(holder.get("material") == material for holder in (primitive, *mappings(primitive))):
                yield m, p


def strip(material: Json) -> tuple[list[tuple[Json, str]], Json]:
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
