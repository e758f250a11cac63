"""COLLADA (.dae), read only: shapes, their placement, colours and textures."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from nst3d.errors import InputError
from nst3d.formats.meshes.through_trimesh import Foreign, refuse_entities, register_foreign

_UP_AXIS = re.compile(rb"<up_axis>\s*([XYZ])_UP\s*</up_axis>")
_MOST_NODES = 100_000
_DEEPEST = 200


def _check(data: bytes, path: Path) -> None:
    refuse_entities(data, path)
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path}: not a COLLADA file, broken or truncated ({error})") from None
    inside = {
        node.get("id", ""): [u.get("url", "").lstrip("#") for u in node.iter() if _tag(u) == "instance_node"]
        for node in root.iter()
        if _tag(node) == "node"
    }
    counts: dict[str, int] = {}
    for name in inside:
        if _expanded(name, inside, counts, set()) > _MOST_NODES:
            raise InputError(f"{path}: its nodes contain one another, or more than {_MOST_NODES} copies")


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _expanded(name: str, inside: dict[str, list[str]], counts: dict[str, int], above: set[str]) -> int:
    """The number of nodes that a node becomes, with all that it refers to; too many if it contains itself."""
    if name in above or len(above) > _DEEPEST:
        return _MOST_NODES + 1
    if name not in counts:
        children = inside.get(name, ())
        counts[name] = 1 + sum(_expanded(child, inside, counts, above | {name}) for child in children)
    return counts[name]


def _up(data: bytes) -> str:
    found = _UP_AXIS.search(data)
    return found[1].decode().lower() if found else "y"


register_foreign("collada", Foreign("dae", "a COLLADA file", ("collada",), _check, _up), (b"<?xml",))
