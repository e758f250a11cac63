"""Decompresses the geometry of a glTF document, which from then on is like one that never was compressed."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace

import numpy as np

from nst3d.formats.gltf.accessors import COMPONENTS, WIDTHS, view_bytes
from nst3d.formats.gltf.document import GltfDocument, Json, count_values, extension
from nst3d.formats.gltf.draco import NAME as DRACO
from nst3d.formats.gltf.draco import DracoMesh, decode_draco
from nst3d.formats.gltf.meshopt import NAMES as MESHOPT
from nst3d.formats.gltf.meshopt import decode_meshopt, meshopt_size
from nst3d.limits import claim
from nst3d.tensors import Array

_TRIANGLES, _STRIP = 4, 5


def unpacked(document: GltfDocument) -> tuple[GltfDocument, tuple[str, ...]]:
    """The document with plain geometry, and a note if any of it was compressed.

    A plain copy beside a compressed one is taken as it is, without decoding. Raises InputError for data that is
    damaged or claims too much, MissingDependencyError without the package that decodes it.
    """
    listed = [document.json.get(key, []) for key in ("extensionsUsed", "extensionsRequired")]
    names = [name for name in (DRACO, *MESHOPT) if any(name in names for names in listed)]
    if not names:
        return document, ()
    unpacker = _Unpacker(document)
    for name in MESHOPT:
        unpacker.take_views(name)
    unpacker.take_primitives()
    for name in names:
        _forget(document, name)
    if not unpacker.decoded:
        return document, ()
    what = " and ".join(unpacker.decoded)
    return unpacker.packed_together(), (
        f"its geometry was {what}-compressed and is written back uncompressed",
    )


def _forget(document: GltfDocument, name: str) -> None:
    """Remove an extension of the geometry from a document."""
    primitives = [p for mesh in document.items("meshes") for p in mesh.get("primitives", [])]
    for holder in [*primitives, *document.items("bufferViews"), *document.items("buffers")]:
        if name in holder.get("extensions", {}):
            del holder["extensions"][name]
            if not holder["extensions"]:
                del holder["extensions"]
    for kind in ("extensionsUsed", "extensionsRequired"):
        listed = document.json.get(kind, [])
        listed[:] = [other for other in listed if other != name]
        if kind in document.json and not listed:
            del document.json[kind]


class _Unpacker:
    """Decodes into a buffer of its own, to which it points the document's views."""

    def __init__(self, document: GltfDocument) -> None:
        self.document = document
        self.decoded: list[str] = []
        self._plain = bytearray()
        self._own = len(document.buffers)
        self._filled: set[int] = set()

    def take_views(self, name: str) -> None:
        """Decode all buffer views compressed with meshopt that have no plain copy."""
        for view in self.document.items("bufferViews"):
            packed = extension(view, name)
            if packed is None or self._has_plain(view, name):
                continue
            self._claim(meshopt_size(self.document, packed))
            self._note("meshopt")
            view |= self._put(decode_meshopt(self.document, packed, name))

    def take_primitives(self) -> None:
        """Decode all primitives compressed with Draco that have no plain copy."""
        users = count_values(self.document.json, "bufferView")
        meshes: dict[int, DracoMesh] = {}
        for mesh in self.document.items("meshes"):
            for primitive in mesh.get("primitives", []):
                packed = extension(primitive, DRACO)
                if packed is not None and not self._is_plain(primitive):
                    self._note("Draco")
                    self._take(primitive, packed, meshes, users)

    def packed_together(self) -> GltfDocument:
        """The document with one buffer, without the bytes that no view refers to any more."""
        buffers = (*self.document.buffers, memoryview(bytes(self._plain)))
        out = bytearray()
        for index, buffer in enumerate(buffers):
            mine = [v for v in self.document.items("bufferViews") if v.get("buffer") == index]
            moved: list[tuple[Json, int]] = []
            end = start = base = 0
            for view in sorted(mine, key=lambda v: int(v.get("byteOffset", 0))):
                at, size = int(view.get("byteOffset", 0)), int(view["byteLength"])
                if at >= end or not moved:  # a gap: keep the alignment to words
                    out += bytes(buffer[start:end]) + bytes(-(len(out) + end - start) % 4)
                    base, start = len(out), at // 4 * 4
                moved.append((view, base + at - start))
                end = max(end, at + size)
            out += bytes(buffer[start:end])
            out += bytes(-len(out) % 4)
            for view, place in moved:
                view |= {"buffer": -1, "byteOffset": place}
        for view in self.document.items("bufferViews"):
            view["buffer"] = 0
        first = {k: v for k, v in self.document.items("buffers")[0].items() if k != "uri"}
        self.document.json["buffers"] = [{**first, "byteLength": len(out)}]
        return replace(self.document, buffers=(memoryview(bytes(out)),))

    def _note(self, what: str) -> None:
        if what not in self.decoded:
            self.decoded.append(what)

    def _claim(self, size: int) -> None:
        claim(2 * size, f"{self.document.path}: its compressed geometry")  # as decoded, and in the buffer

    def _put(self, data: bytes) -> Json:
        """Where some decoded bytes are, as the fields of a buffer view."""
        self._plain += bytes(-len(self._plain) % 4)
        place = {"buffer": self._own, "byteOffset": len(self._plain), "byteLength": len(data)}
        self._plain += data
        return place

    def _has_plain(self, view: Json, name: str) -> bool:
        """Whether a view's own buffer has data, and the file may be read without the extension."""
        buffer = self.document.item("buffers", view.get("buffer"))
        fallback = extension(buffer, name) or {}
        required = name in self.document.json.get("extensionsRequired", [])
        empty = not self.document.buffers[int(view["buffer"])]
        return not required and not empty and fallback.get("fallback") is not True

    def _is_plain(self, primitive: Json) -> bool:
        """Whether a primitive's positions exist without the extension."""
        position = primitive["attributes"].get("POSITION")
        return "bufferView" in self.document.item("accessors", position)

    def _take(self, primitive: Json, packed: Json, meshes: dict[int, DracoMesh], users: Counter[int]) -> None:
        document = self.document
        document.item("bufferViews", packed.get("bufferView"))
        index = int(packed["bufferView"])
        own, ids = primitive["attributes"], packed.get("attributes", {})
        named: Json = {name: own[name] for name in ids if name in own}
        accessors = [document.item("accessors", a) for a in (*named.values(), primitive.get("indices"))]
        self._claim(sum(document.integer(a, "count") * _row(document, a) for a in accessors))
        if index not in meshes:
            data = bytes(view_bytes(document, index))
            meshes[index] = decode_draco(document, data, document.integer(accessors[-1], "count"))
        mesh = meshes[index]
        free = index if users[index] == 1 else None
        primitive["indices"] = self._fill(primitive["indices"], mesh.faces.reshape(-1, 1), free)
        if primitive.get("mode", _TRIANGLES) == _STRIP:
            primitive["mode"] = _TRIANGLES
        for name, accessor in named.items():
            rows = mesh.attributes.get(ids[name])
            if rows is None:
                raise document.fault(f"its Draco data has no attribute for {name}")
            own[name] = self._fill(accessor, rows, None)

    def _fill(self, index: int, rows: Array, free: int | None) -> int:
        """The accessor `index` with decoded rows, or a copy of it if it is filled already.

        `free` is a view to be replaced.
        """
        accessor = self.document.item("accessors", index)
        if index in self._filled:
            accessor = copy.deepcopy(accessor)
            self.document.items("accessors").append(accessor)
            index = len(self.document.items("accessors")) - 1
        self._filled.add(index)
        kind, width = COMPONENTS[accessor["componentType"]], WIDTHS[accessor["type"]]
        if rows.shape[1] != width:
            raise self.document.fault(
                f"its Draco data has {rows.shape[1]} numbers a row, accessors[{index}] {width}"
            )
        if rows.dtype.kind == "u" and len(rows) and kind.kind in "iu" and rows.max() > np.iinfo(kind).max:
            kind = np.dtype("<u4")  # indices too large for what the accessor claims
            accessor["componentType"] = 5125
        data = np.ascontiguousarray(rows.astype(kind)).view(np.uint8).reshape(len(rows), -1)
        padding = -data.shape[1] % 4 if width > 1 else 0
        view = self._put(np.pad(data, ((0, 0), (0, padding))).tobytes())
        if padding:
            view["byteStride"] = data.shape[1] + padding
        if free is None:
            self.document.items("bufferViews").append(view)
            free = len(self.document.items("bufferViews")) - 1
        else:
            self.document.items("bufferViews")[free] = view
        accessor |= {"bufferView": free, "count": len(rows)}
        accessor.pop("byteOffset", None)
        if "min" in accessor and len(rows):
            plain = rows.astype(kind)
            accessor |= {"min": plain.min(0).tolist(), "max": plain.max(0).tolist()}
        return index


def _row(document: GltfDocument, accessor: Json) -> int:
    """Bytes of an accessor's row."""
    kind, width = COMPONENTS.get(accessor.get("componentType", 0)), WIDTHS.get(accessor.get("type", ""))
    if kind is None or width is None:
        raise document.fault("an accessor of compressed geometry has an unknown type")
    return kind.itemsize * width
