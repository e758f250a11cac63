"""Edits a copy of a glTF document and lays out its bytes anew; everything unchanged stays byte for byte."""

from __future__ import annotations

import copy

import numpy as np

from nst3d.formats.gltf.accessors import COMPONENTS, WIDTHS
from nst3d.formats.gltf.container import image_type
from nst3d.formats.gltf.document import GltfDocument, Json, accessor_users, count_values
from nst3d.tensors import Array

VERTEX_DATA, INDEX_DATA = 34962, 34963  # bufferView.target
_WIDE = 65535  # the first index that 16 bits cannot hold: all ones is the restart value
_CODES = {kind: code for code, kind in COMPONENTS.items()}
_TYPES = {width: name for name, width in WIDTHS.items()}


class GltfEditor:
    """A document being edited.

    New data replaces a buffer view or accessor that nothing else refers to, and is appended otherwise,
    so that no index of either ever shifts.
    """

    def __init__(self, document: GltfDocument) -> None:
        self.document = document
        self.json: Json = copy.deepcopy(document.json)
        self._view_users = count_values(document.json, "bufferView")
        self._accessor_users = accessor_users(document)
        self._contents: dict[int, bytes] = {}
        self._embedded = False

    def append(self, kind: str, item: Json) -> int:
        """Adds an entry to a top-level array and returns its index."""
        entries: list[Json] = self.json.setdefault(kind, [])
        entries.append(item)
        return len(entries) - 1

    def put_view(self, data: bytes, old: int | None = None, **fields: int) -> int:
        """The index of a buffer view with new bytes: `old` itself if only one object refers to it."""
        view = {"buffer": 0, "byteLength": len(data), **fields}
        if old is not None and self._only_user(old):
            self.json["bufferViews"][old] = view
        else:
            old = self.append("bufferViews", view)
        self._contents[old] = data
        return old

    def _only_user(self, view: int) -> bool:
        """Whether only one object refers to a buffer view, which has not been replaced yet."""
        known = view in range(len(self.document.items("bufferViews")))
        return known and self._view_users[view] == 1 and view not in self._contents

    def put_rows(self, rows: Array, target: int, old: int | None = None, bounds: bool = False) -> int:
        """The index of an accessor with new rows (n, width): `old` itself if only one object refers to it.

        `target` is VERTEX_DATA or INDEX_DATA. The other properties of `old` (normalisation, name, extras)
        stay; `bounds` writes minima and maxima, which POSITION requires.
        """
        before: Json = {} if old is None else self.document.items("accessors")[old]
        accessor = {k: v for k, v in before.items() if k not in ("byteOffset", "sparse", "min", "max")}
        data = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), -1)
        padding = -data.shape[1] % 4 if target == VERTEX_DATA else 0
        stride = {"byteStride": data.shape[1] + padding} if padding else {}
        data = np.pad(data, ((0, 0), (0, padding)))
        reuse = old is not None and self._accessor_users[old] == 1
        old_view = before.get("bufferView") if reuse and "sparse" not in before else None
        accessor |= {
            "bufferView": self.put_view(data.tobytes(), old_view, target=target, **stride),
            "componentType": _CODES[rows.dtype],
            "count": len(rows),
            "type": _TYPES[rows.shape[1]],
        }
        if bounds:
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        if old is None or not reuse:
            return self.append("accessors", accessor)
        self.json["accessors"][old] = accessor
        return old

    def put_indices(self, faces: Array, vertices: int, old: int | None = None) -> int:
        """The index of an accessor with triangles (f, 3) that index `vertices` vertices."""
        kind = "<u2" if vertices <= _WIDE else "<u4"
        return self.put_rows(faces.reshape(-1, 1).astype(kind), INDEX_DATA, old)

    def put_uvs(self, uvs: Array) -> int:
        """The index of a new accessor with UVs (n, 2), flipped from bottom-left to glTF's top-left origin."""
        stored = np.stack([uvs[:, 0], 1.0 - uvs[:, 1]], axis=1)
        return self.put_rows(stored.astype("<f4"), VERTEX_DATA)

    def put_image(self, png: bytes, name: str, old: int | None = None) -> int:
        """The index of an image with new PNG bytes: replacing `old` and keeping its name, or appended."""
        if old is None:
            view = self.put_view(png)
            return self.append("images", {"name": name, "mimeType": "image/png", "bufferView": view})
        image = self.json["images"][old]
        image.pop("uri", None)
        view = self.put_view(png, image.get("bufferView"))
        self.json["images"][old] = {"name": name, **image, "mimeType": "image/png", "bufferView": view}
        return old

    def drop_bytes(self, image: Json) -> None:
        """Drops the bytes of an image, which must not be used any more."""
        image.pop("uri", None)
        view = image.pop("bufferView", None)
        if view is not None and self._only_user(view):
            self.put_view(bytes(4), view)

    def embed_images(self) -> None:
        """Takes in the images that lie in separate files; the indices must still be the document's."""
        for index, data in {} if self._embedded else self.document.images.items():
            image = self.json["images"][index]
            if "uri" in image:
                del image["uri"]
                image |= {"mimeType": image_type(data), "bufferView": self.put_view(data)}
        self._embedded = True

    def build(self) -> tuple[Json, bytes]:
        """The JSON, with at most one buffer, and the bytes of that buffer."""
        self.embed_images()
        out = bytearray()
        for index, buffer in enumerate(self.document.buffers):
            out += bytes(-len(out) % 4)
            self._move_buffer(index, buffer, out)
        for index, data in sorted(self._contents.items()):
            out += bytes(-len(out) % 4)
            self.json["bufferViews"][index]["byteOffset"] = len(out)
            out += data
        if out:
            first = (self.json.get("buffers") or [{}])[0]
            rest = {k: v for k, v in first.items() if k not in ("uri", "byteLength")}
            self.json["buffers"] = [{**rest, "byteLength": len(out)}]
        return self.json, bytes(out)

    def _move_buffer(self, index: int, buffer: memoryview, out: bytearray) -> None:
        """Appends a buffer without the bytes that only replaced views used, and shifts its views."""
        views = self.document.items("bufferViews")
        mine = [i for i, view in enumerate(views) if view["buffer"] == index]
        kept = [i for i in mine if i not in self._contents]
        starts = np.array([views[i].get("byteOffset", 0) for i in kept], dtype=np.int64)
        ends = starts + np.array([views[i]["byteLength"] for i in kept], dtype=np.int64)
        base, position = len(out), 0
        cuts = []
        for start, length in sorted(
            (views[i].get("byteOffset", 0), views[i]["byteLength"]) for i in mine if i in self._contents
        ):
            end = start + length // 4 * 4  # whole words: the rest keeps its alignment
            if start < position or ((starts < end) & (ends > start)).any():
                continue
            out += buffer[position:start]
            cuts.append((end, end - start))
            position = end
        out += buffer[position:]
        cut_ends = np.array([end for end, _ in cuts], dtype=np.int64)
        removed = np.concatenate([[0], np.cumsum([size for _, size in cuts], dtype=np.int64)])
        shifts = removed[np.searchsorted(cut_ends, starts, side="right")]
        for i, start, shift in zip(kept, starts.tolist(), shifts.tolist()):
            self.json["bufferViews"][i] |= {"buffer": 0, "byteOffset": base + start - int(shift)}
