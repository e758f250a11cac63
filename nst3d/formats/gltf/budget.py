"""How much memory a glTF document's geometry takes, from its counts alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.formats.gltf.nodes import Placement
from nst3d.limits import claim

_VERTEX = {"POSITION": 24, "NORMAL": 12, "COLOR_0": 16}
"""Bytes of a part's vertex by attribute: positions in float64, the others in float32."""
_CORNER, _CORNER_UV = 4, 16
"""Bytes of a triangle's corner: its index, and its texture coordinates in float64."""
_PLACED = 160
"""Bytes of a triangle in the scene: its corners, its normal, and its place in the tree that rays are cast through."""


def claim_geometry(document: GltfDocument, placed: list[Placement]) -> None:
    """Ask for the memory of all parts and of their instances, before any of it is read.

    Accessors may be shared: a small file can ask for any number of copies. Raises TooLargeError.
    """
    uses = Counter(placement.mesh for placement in placed)
    need = 0
    for mesh, times in uses.items():
        for primitive in document.item("meshes", mesh)["primitives"]:
            stored, faces = _size(document, primitive)
            need += stored + _PLACED * faces * times
    claim(need, f"{document.path}: its geometry with all copies")


def _size(document: GltfDocument, primitive: Json) -> tuple[int, int]:
    """Bytes of a primitive's part, and an upper bound of its triangles."""
    attributes = primitive["attributes"]
    if "POSITION" not in attributes:
        return 0, 0
    vertices = _rows(document, attributes["POSITION"])
    corners = _rows(document, primitive["indices"]) if "indices" in primitive else vertices
    faces = corners // 3 if primitive.get("mode", 4) == 4 else max(corners - 2, 0)
    per_corner = _CORNER + _CORNER_UV * any(name.startswith("TEXCOORD") for name in attributes)
    per_vertex = sum(size for name, size in _VERTEX.items() if name in attributes)
    return vertices * per_vertex + 3 * faces * per_corner, faces


def _rows(document: GltfDocument, index: Any) -> int:
    """An accessor's rows; no more than its view has bytes, as its reader reports the rest."""
    accessor = document.item("accessors", index)
    count = document.integer(accessor, "count")
    if "bufferView" not in accessor:
        return count
    return min(count, document.integer(document.item("bufferViews", accessor["bufferView"]), "byteLength"))
