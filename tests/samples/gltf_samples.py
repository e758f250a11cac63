"""Tiny glTF documents made by hand, and paints for them."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import TexturePaint, TextureSlot
from nst3d.tensors import Array, ImageSize

CODES = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}

QUAD = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
QUAD_UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
"""In glTF's axes, v down: the quad's lower left corner shows the image's lower left corner."""
QUAD_INDICES = np.array([0, 1, 2, 0, 2, 3], np.uint16)


class Sample:
    """A glTF document under construction."""

    def __init__(self) -> None:
        self.json: dict[str, Any] = {"asset": {"version": "2.0"}}
        self.binary = bytearray()

    def add(self, kind: str, **item: Any) -> int:
        self.json.setdefault(kind, []).append(item)
        return len(self.json[kind]) - 1

    def view(self, data: bytes, **fields: Any) -> int:
        self.binary += bytes(-len(self.binary) % 4)
        start = len(self.binary)
        self.binary += data
        return self.add("bufferViews", buffer=0, byteOffset=start, byteLength=len(data), **fields)

    def accessor(self, rows: Any, kind: str = "float32", **fields: Any) -> int:
        data = np.asarray(rows, dtype=kind)
        data = data[:, None] if data.ndim == 1 else data
        layout = {"componentType": CODES[kind], "count": len(data), "type": TYPES[data.shape[1]]}
        return self.add("accessors", bufferView=self.view(data.tobytes()), **layout, **fields)

    def image(self, pixels: Array, kind: str = "PNG", **fields: Any) -> int:
        mime = f"image/{kind.lower()}"
        return self.add("images", bufferView=self.view(encoded(pixels, kind)), mimeType=mime, **fields)

    def texture(self, pixels: Array, **fields: Any) -> int:
        return self.add("textures", source=self.image(pixels), **fields)

    def quad(self, **fields: Any) -> dict[str, Any]:
        """A primitive: the unit square with UVs."""
        attributes = {"POSITION": self.accessor(QUAD), "TEXCOORD_0": self.accessor(QUAD_UVS)}
        return {"attributes": attributes, "indices": self.accessor(QUAD_INDICES, "uint16"), **fields}

    def show(self, *primitives: dict[str, Any], **node: Any) -> int:
        """Adds a mesh of the primitives and a node in the scene that shows it."""
        index = self.add("nodes", mesh=self.add("meshes", primitives=list(primitives)), **node)
        self.json.setdefault("scenes", [{"nodes": []}])[0]["nodes"].append(index)
        return index

    def glb(self) -> bytes:
        content = {**self.json, "buffers": [{"byteLength": len(self.binary)}]}
        text = json.dumps(content).encode()
        text += b" " * (-len(text) % 4)
        data = bytes(self.binary) + bytes(-len(self.binary) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        chunks += struct.pack("<II", len(data), 0x004E4942) + data
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

    def save(self, path: Path) -> Path:
        path.write_bytes(self.glb())
        return path


def encoded(pixels: Array, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return stream.getvalue()


def noise(height: int, width: int, seed: int = 0, channels: int = 3) -> Array:
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def cells(count: int) -> Array:
    """Corner UVs (count, 3, 2) of an atlas in which every triangle has a cell of its own."""
    side = int(np.ceil(np.sqrt(count)))
    number = np.arange(count)
    corner = np.stack([number % side, number // side], axis=1) / side
    return corner[:, None] + np.array([[0.125, 0.125], [0.875, 0.125], [0.125, 0.875]]) / side


def texture_paint(mesh: Mesh, fresh: bool | None = None) -> tuple[TexturePaint, Array]:
    """A paint and a table: the mesh's own textures, 2×2 grey for materials without, an atlas for the rest.

    `fresh` True gives every part atlas UVs; None only those that have none.
    """
    slots: dict[tuple[str, int], TextureSlot] = {}
    tables: list[Array] = []
    slot_of_part, uvs, news = [], [], []
    for part in mesh.parts:
        new = fresh or part.uvs is None
        texture = None if new else mesh.materials[part.material].texture
        key = ("atlas", 0) if new else ("m", part.material) if texture is None else ("t", texture)
        if key not in slots:
            offset = sum(map(len, tables))
            pixels, wrap, alpha = np.full((2, 2, 3), 0.2, np.float32), ("clamp", "clamp"), None
            if texture is not None:
                source = mesh.textures[texture]
                pixels, wrap, alpha = from_bytes(source.pixels), source.wrap, source.alpha
            size = ImageSize(*pixels.shape[:2])
            slots[key] = TextureSlot(
                f"slot {len(slots)}", size, offset, wrap, (part.material,), texture, alpha
            )
            tables.append(pixels.reshape(-1, 3))
        slot_of_part.append(list(slots).index(key))
        uvs.append(cells(len(part.faces)) if new else part.uvs)
        news.append(bool(new))
    paint = TexturePaint(tuple(slots.values()), tuple(slot_of_part), tuple(uvs), tuple(news))
    return paint, np.concatenate(tables).astype(np.float32)


def corners(part: Any) -> Array:
    """The (f, 3, 3) corner positions of a part's faces."""
    return part.vertices[part.faces]
