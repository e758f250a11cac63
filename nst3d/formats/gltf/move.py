"""Moves the vertices of a glTF document: new positions and normals, everything else unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nst3d.formats.gltf.accessors import read_values
from nst3d.formats.gltf.document import GltfDocument
from nst3d.formats.gltf.edit import VERTEX_DATA, GltfEditor
from nst3d.representations.mesh import Mesh, Part


def moved_document(document: GltfDocument, mesh: Mesh, parts: Sequence[Part]) -> GltfDocument | None:
    """The document with the vertices and normals of `parts` in place of those of `mesh`, as read.

    Tangents, which belong to the old normals, are dropped; viewers compute new ones. Morph targets stay: they
    are differences. None if the file poses its vertices (skins, weighted targets) away from where it stores
    them.
    """
    editor = GltfEditor(document)
    for (index, number), before, after in zip(document.sources, mesh.parts, parts):
        attributes = editor.json["meshes"][index]["primitives"][number]["attributes"]
        stored = document.items("meshes")[index]["primitives"][number]["attributes"]
        if not np.allclose(
            read_values(document, stored["POSITION"], 3), before.vertices, atol=1e-6, rtol=1e-6
        ):
            return None
        rows = after.vertices.astype("<f4")
        attributes["POSITION"] = editor.put_rows(
            rows, VERTEX_DATA, _plain(document, stored["POSITION"]), True
        )
        if after.normals is not None:
            normals = after.normals.astype("<f4")
            old = _plain(document, stored["NORMAL"]) if "NORMAL" in stored else None
            attributes["NORMAL"] = editor.put_rows(normals, VERTEX_DATA, old)
        attributes.pop("TANGENT", None)
        for target in editor.json["meshes"][index]["primitives"][number].get("targets", []):
            target.pop("TANGENT", None)
    content, data = editor.build()
    return replace(document, json=content, buffers=(memoryview(data),), images={})


def _plain(document: GltfDocument, accessor: int) -> int | None:
    """The accessor, if new floats may replace it: not if it holds normalised integers."""
    return accessor if document.items("accessors")[accessor]["componentType"] == 5126 else None
