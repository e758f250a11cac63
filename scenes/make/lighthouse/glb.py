"""Smooth normals with sharp edges, and a plain GLB writer."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np


def corner_normals(triangles, degrees):
    """Unit normals (f, 3, 3): each corner takes the area-weighted mean of touching faces within the angle."""
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    unit = cross / np.linalg.norm(cross, axis=1, keepdims=True)
    key = np.round(triangles.reshape(-1, 3) / 1e-4).astype(np.int64)
    _, spot = np.unique(key, axis=0, return_inverse=True)
    spot = spot.ravel()
    order = np.argsort(spot, kind="stable")
    count = np.bincount(spot)
    first = np.cumsum(count) - count
    near = count[spot]
    corner = np.repeat(np.arange(len(spot)), near)
    other = order[first[spot[corner]] + np.arange(near.sum()) - np.repeat(np.cumsum(near) - near, near)]
    close = (unit[corner // 3] * unit[other // 3]).sum(1) > np.cos(np.radians(degrees))
    total = np.zeros((len(spot), 3))
    np.add.at(total, corner[close], cross[other[close] // 3])
    return (total / np.linalg.norm(total, axis=1, keepdims=True)).reshape(-1, 3, 3)


def indexed(*columns):
    """Shared vertices: the columns (f, 3, k) without repeats as float32, and indices (3 f,)."""
    rows = np.concatenate([c.reshape(len(c) * 3, -1) for c in columns], 1).astype(np.float32)
    rows = np.round(rows, 5) + np.float32(0)
    unique, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    rank = np.argsort(first, kind="stable")
    place = np.empty(len(rank), np.int64)
    place[rank] = np.arange(len(rank))
    cut = np.cumsum([c.shape[-1] for c in columns])[:-1]
    return np.split(unique[rank], cut, axis=1), place[inverse.ravel()]


class Document:
    """A glTF document and its binary chunk, grown piece by piece."""

    def __init__(self, title, licence):
        self.binary = bytearray()
        self.json = {
            "asset": {"version": "2.0", "generator": title, "copyright": licence},
            "scene": 0,
            "scenes": [{"name": "scene", "nodes": [0]}],
            "nodes": [], "meshes": [], "materials": [], "textures": [], "images": [],
            "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
            "accessors": [], "bufferViews": [], "buffers": [],
        }  # fmt: skip

    def add(self, key, item):
        """Appends to one of the document's lists; the index there."""
        self.json[key].append(item)
        return len(self.json[key]) - 1

    def view(self, data, target=None):
        """Stores bytes, aligned to four; the index of the buffer view."""
        self.binary += b"\0" * (-len(self.binary) % 4)
        item = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)}
        if target:
            item["target"] = target
        self.binary += data
        return self.add("bufferViews", item)

    def array(self, values, kind, target):
        """Stores an array; the index of the accessor."""
        names = {"float32": 5126, "uint16": 5123, "uint32": 5125}
        item = {"bufferView": self.view(values.tobytes(), target), "componentType": names[str(values.dtype)]}
        item |= {"count": len(values), "type": kind}
        if kind == "VEC3":
            item |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        return self.add("accessors", item)

    def image(self, name, data, mime):
        """Stores an encoded picture; the index of the texture."""
        source = self.add("images", {"name": name, "mimeType": mime, "bufferView": self.view(data)})
        return self.add("textures", {"name": name, "sampler": 0, "source": source})

    def primitive(self, material, pos, normal, uv=None):
        """Stores corners (f, 3, …) with shared vertices; UVs have their origin at the bottom left."""
        columns = [pos, normal] if uv is None else [pos, normal, uv * [1, -1] + [0, 1]]
        arrays, index = indexed(*columns)
        index = index.astype(np.uint16 if len(arrays[0]) < 65535 else np.uint32)
        unit = arrays[1] / np.linalg.norm(arrays[1], axis=1, keepdims=True)
        slots = {"POSITION": self.array(arrays[0], "VEC3", 34962), "NORMAL": self.array(unit, "VEC3", 34962)}
        if uv is not None:
            slots["TEXCOORD_0"] = self.array(np.clip(arrays[2], 0, 1), "VEC2", 34962)
        return {"attributes": slots, "indices": self.array(index, "SCALAR", 34963), "material": material}

    def save(self, path):
        """Writes the GLB under a temporary name and renames it."""
        self.binary += b"\0" * (-len(self.binary) % 4)
        self.json["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.json, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self.binary)
        head = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
        body = head + text + struct.pack("<I4s", len(self.binary), b"BIN\0") + bytes(self.binary)
        temporary = Path(path).with_suffix(".tmp")
        temporary.write_bytes(body)
        os.replace(temporary, path)
