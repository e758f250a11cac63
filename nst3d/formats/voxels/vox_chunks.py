"""The chunks of a MagicaVoxel file: their offsets, and the models, nodes and materials in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.tensors import Array

_LARGEST = 256
"""Most cells per side: coordinates are bytes."""


@dataclass(frozen=True)
class Chunk:
    """A child of MAIN."""

    name: bytes
    start: int
    """Offset of its content in the file, in bytes."""
    content: bytes


@dataclass(frozen=True)
class VoxModel:
    """SIZE and XYZI."""

    size: tuple[int, int, int]
    start: int
    """Offset of its voxels, four bytes each: x, y, z, colour index."""
    cells: Array
    """(n, 3) uint8, in the file's order."""
    indices: Array
    """(n,) uint8: 1 … 255; 0 is no voxel."""


@dataclass(frozen=True)
class Node:
    """nTRN, nGRP or nSHP: a node of the scene."""

    children: tuple[int, ...] = ()
    model: int | None = None
    transform: Array | None = None
    """(4, 4), or None for the identity."""
    hidden: bool = False
    name: str = ""
    frames: int = 1


class Cursor:
    """Reads a chunk's content sequentially, never past its end."""

    def __init__(self, content: bytes, where: str) -> None:
        self._content, self._at, self._where = content, 0, where

    def integer(self) -> int:
        """A 32-bit integer."""
        return int.from_bytes(self._take(4), "little", signed=True)

    def count(self, size: int) -> int:
        """The number of following items of at least `size` bytes; they must all fit."""
        number = self.integer()
        if not 0 <= number * size <= len(self._content) - self._at:
            raise InputError(
                f"{self._where} declares {number} entries but ends before them; broken or truncated"
            )
        return number

    def text(self) -> str:
        """A string."""
        return self._take(self.count(1)).decode("utf-8", "replace")

    def attributes(self) -> dict[str, str]:
        """A DICT."""
        pairs = [(self.text(), self.text()) for _ in range(self.count(8))]
        return dict(pairs)

    def rest(self) -> bytes:
        """The remaining bytes."""
        return self._content[self._at :]

    def _take(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) < count:
            raise InputError(f"{self._where} ends too early; broken or truncated")
        self._at += count
        return taken


def split_chunks(data: bytes, path: Path) -> tuple[list[Chunk], int]:
    """MAIN's children, and the offset of its end. Raises InputError if this is not a .vox or truncated."""
    if data[:4] != b"VOX ":
        raise InputError(f"{path}: not a MagicaVoxel file; it does not start with 'VOX '")
    if len(data) < 20 or data[8:12] != b"MAIN":
        raise InputError(f"{path}: broken or truncated; expected a MAIN chunk")
    content, children = (int.from_bytes(data[k : k + 4], "little") for k in (12, 16))
    end = 20 + content + children
    if end > len(data):
        raise InputError(
            f"{path}: truncated; MAIN declares {content + children} bytes but has {len(data) - 20}"
        )
    return list(_children(data, 20 + content, end, path)), end


def _children(data: bytes, at: int, end: int, path: Path) -> Iterator[Chunk]:
    while at < end:
        start = at + 12
        content, children = (int.from_bytes(data[at + k : at + k + 4], "little") for k in (4, 8))
        if start + content + children > end:
            raise InputError(
                f"{path}: broken or truncated; a chunk at byte {at} extends beyond the end of MAIN"
            )
        yield Chunk(data[at : at + 4], start, data[start : start + content])
        at = start + content + children


def read_models(chunks: list[Chunk], path: Path) -> list[VoxModel]:
    """The models, in the order of the scene's numbering."""
    models = []
    size: tuple[int, int, int] | None = None
    for chunk in chunks:
        cursor = Cursor(chunk.content, f"{path}: chunk {chunk.name.decode('latin-1')!r}")
        if chunk.name == b"SIZE":
            size = (cursor.integer(), cursor.integer(), cursor.integer())
            if not all(0 <= side <= _LARGEST for side in size):
                raise InputError(
                    f"{path}: a model of {size[0]} x {size[1]} x {size[2]} voxels; expected at most"
                    f" {_LARGEST} per side"
                )
        elif chunk.name == b"XYZI":
            if size is None:
                raise InputError(f"{path}: broken; voxels (XYZI) without a preceding SIZE")
            count = cursor.count(4)
            voxels = np.frombuffer(cursor.rest(), np.uint8, 4 * count).reshape(-1, 4)
            outside = int((voxels[:, :3] >= np.array(size)).any(1).sum())
            if outside:
                raise InputError(
                    f"{path}: broken; {outside} of {count} voxels are outside their model's size"
                )
            models.append(VoxModel(size, chunk.start + 4, voxels[:, :3], voxels[:, 3]))
    return models


def read_nodes(chunks: list[Chunk], path: Path) -> dict[int, Node]:
    """The scene's nodes by number; nodes in hidden layers are hidden."""
    hidden_layers, nodes = set(), {}
    for chunk in chunks:
        if chunk.name == b"LAYR":
            cursor = Cursor(chunk.content, f"{path}: chunk LAYR")
            layer, attributes = cursor.integer(), cursor.attributes()
            hidden_layers |= {layer} if attributes.get("_hidden") == "1" else set()
    for chunk in chunks:
        cursor = Cursor(chunk.content, f"{path}: chunk {chunk.name.decode('latin-1')!r}")
        if chunk.name == b"nTRN":
            number, attributes = cursor.integer(), cursor.attributes()
            child, _, layer, frames = cursor.integer(), cursor.integer(), cursor.integer(), cursor.count(4)
            placing = cursor.attributes() if frames else {}
            nodes[number] = Node(
                children=(child,),
                transform=_transform(placing, path),
                hidden=attributes.get("_hidden") == "1" or layer in hidden_layers,
                name=attributes.get("_name", ""),
                frames=frames,
            )
        elif chunk.name == b"nGRP":
            number, attributes = cursor.integer(), cursor.attributes()
            children = tuple(cursor.integer() for _ in range(cursor.count(4)))
            nodes[number] = Node(children, hidden=attributes.get("_hidden") == "1")
        elif chunk.name == b"nSHP":
            number, attributes = cursor.integer(), cursor.attributes()
            frames = cursor.count(8)
            model = cursor.integer() if frames else None
            nodes[number] = Node(model=model, hidden=attributes.get("_hidden") == "1", frames=frames)
    return nodes


def _transform(attributes: dict[str, str], path: Path) -> Array:
    """The (4, 4) matrix of a frame: a rotation packed in a byte, and a translation in whole cells."""
    try:
        code = int(attributes.get("_r", "4"))
        offset = [int(word) for word in attributes.get("_t", "0 0 0").split()]
    except ValueError:
        raise InputError(f"{path}: broken; a node's rotation or translation is not a number") from None
    axes = [code & 3, code >> 2 & 3]
    axes.append(3 - sum(axes))
    if sorted(axes) != [0, 1, 2] or len(offset) != 3 or not all(abs(v) < 2**31 for v in offset):
        raise InputError(f"{path}: broken; a node has rotation {code} and translation {offset}")
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    for row, axis in enumerate(axes):
        matrix[row, axis] = -1 if code >> (4 + row) & 1 else 1
    matrix[:3, 3] = offset
    return matrix


def read_materials(chunks: list[Chunk], path: Path) -> Array:
    """The material number of each colour index (256,): equal for equal materials, 0 for plain (diffuse)."""
    kinds: dict[bytes, int] = {}
    materials = np.zeros(256, np.int64)
    for chunk in chunks:
        cursor = Cursor(chunk.content, f"{path}: chunk {chunk.name.decode('latin-1')!r}")
        if chunk.name == b"MATL":
            index, look = cursor.integer(), cursor.rest()
            plain = cursor.attributes().get("_type", "_diffuse") == "_diffuse"
        elif chunk.name == b"MATT":
            index, look = cursor.integer(), cursor.rest()
            plain = cursor.integer() == 0
        else:
            continue
        if 0 < index < 256:
            materials[index] = 0 if plain else kinds.setdefault(look, len(kinds) + 1)
    return materials
