"""The UV set of a glTF primitive that a new atlas takes: the first, which all programs know, if it is free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from nst3d.formats.gltf.coats import mappings
from nst3d.formats.gltf.document import GltfDocument, Json, extension
from nst3d.formats.gltf.materials import SPECULAR, base_colour, uv_set

_NAME = "TEXCOORD_"


def atlas_set(document: GltfDocument, sources: Iterable[tuple[int, int]]) -> int:
    """The number of the set for a new atlas on the (mesh, primitive) pairs, the same for all of them.

    It is 0 unless another map, or the material of a variant, reads that set; otherwise the first that none has.
    """
    primitives = [document.items("meshes")[m]["primitives"][p] for m, p in sources]
    if any(0 in _read_sets(document, primitive) for primitive in primitives):
        return max(map(free_set, primitives))
    return 0


def free_set(primitive: Json) -> int:
    """The number of the first UV set that a primitive does not have."""
    names = [name for name in primitive["attributes"] if name.startswith(_NAME)]
    return max((int(name.removeprefix(_NAME)) + 1 for name in names), default=0)


def put_set(primitive: Json, number: int, accessor: int) -> None:
    """Makes an accessor the UV set of that number; a set that is there already becomes the last.

    Sets must be numbered without gaps, so a primitive with fewer sets repeats the new one in between.
    """
    attributes, free = primitive["attributes"], free_set(primitive)
    if number < free:
        attributes[f"{_NAME}{free}"] = attributes[f"{_NAME}{number}"]
    attributes |= {f"{_NAME}{k}": accessor for k in range(min(free, number), number + 1)}


def _read_sets(document: GltfDocument, primitive: Json) -> set[int]:
    """The sets that a primitive's maps read, but for its base colour."""
    own = primitive.get("material")
    shown = {own, *(holder.get("material") for holder in mappings(primitive))} - {None}
    sets: set[int] = set()
    for index in shown:
        material = document.item("materials", index)
        painted = _base_infos(material) if index == own else []
        sets |= {uv_set(info) for info in _infos(material) if not any(info is p for p in painted)}
    return sets


def _base_infos(material: Json) -> list[Json]:
    holder, key, _ = base_colour(material)
    infos = [holder.get(key)]
    if extension(material, SPECULAR) is not None:
        infos.append(material.get("pbrMetallicRoughness", {}).get("baseColorTexture"))
    return [info for info in infos if isinstance(info, dict)]


def _infos(node: Any) -> Iterator[Json]:
    """All objects inside a material that refer to a texture, those of unknown extensions included."""
    if isinstance(node, dict):
        if isinstance(node.get("index"), int):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _infos(item)
