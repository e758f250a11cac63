"""Subdivides the triangles of a glTF document: every attribute follows, everything else is unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nst3d.formats.gltf.accessors import read_rows, read_values
from nst3d.formats.gltf.document import GltfDocument
from nst3d.formats.gltf.edit import VERTEX_DATA, GltfEditor
from nst3d.representations.mesh import Part
from nst3d.representations.subdivide import with_middles
from nst3d.representations.triangles import unit
from nst3d.tensors import Array

_TRIANGLES = 4


def cut_document(
    document: GltfDocument, parts: Sequence[Part], rounds: Sequence[Sequence[Array]]
) -> GltfDocument | None:
    """The document with the triangles of `parts`, which `even_parts` made from the file's own in `rounds`.

    Texture coordinates and colours are interpolated along an edge; integers that count something are copied
    from one end. Tangents are dropped; viewers compute new ones. None if joints or morph targets refer to the
    vertices.
    """
    editor = GltfEditor(document)
    for (index, number), part, cuts in zip(document.sources, parts, rounds):
        primitive = editor.json["meshes"][index]["primitives"][number]
        attributes = primitive["attributes"]
        if primitive.get("targets") or any(name.startswith("JOINTS_") for name in attributes):
            return None
        if not cuts:
            continue
        attributes.pop("TANGENT", None)
        for name, accessor in attributes.items():
            rows = _resampled(document, accessor, name, cuts)
            kept = accessor if rows.dtype == read_rows(document, accessor).dtype else None
            attributes[name] = editor.put_rows(rows, VERTEX_DATA, kept, name == "POSITION")
        primitive["indices"] = editor.put_indices(part.faces, len(part.vertices))
        primitive["mode"] = _TRIANGLES
    content, data = editor.build()
    return replace(document, json=content, buffers=(memoryview(data),), images={})


def _resampled(document: GltfDocument, accessor: int, name: str, rounds: Sequence[Array]) -> Array:
    stored = read_rows(document, accessor)
    if name.startswith("_") and stored.dtype.kind in "iu":
        for cut in rounds:
            stored = np.concatenate([stored, stored[cut[:, 0]]])
        return stored
    values = read_values(document, accessor)
    for cut in rounds:
        values = with_middles(values, [cut])
        if name == "NORMAL":
            values = unit(values)
    return values.astype("<f4")
