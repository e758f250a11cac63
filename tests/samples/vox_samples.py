"""MagicaVoxel and binvox files, byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np


def ints(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def text(string: str) -> bytes:
    return ints(len(string)) + string.encode()


def attributes(**pairs: str) -> bytes:
    return ints(len(pairs)) + b"".join(text(k) + text(v) for k, v in pairs.items())


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return name + ints(len(content), 0) + content


def model(size: Sequence[int], voxels: Sequence[Sequence[int]]) -> bytes:
    """SIZE and XYZI; a voxel is x, y, z, colour index."""
    rows = np.array(voxels, np.uint8).reshape(-1, 4)
    return chunk(b"SIZE", ints(*size)) + chunk(b"XYZI", ints(len(rows)) + rows.tobytes())


def rgba(colours: dict[int, tuple[int, int, int]]) -> bytes:
    """A palette that is (i, i, i) but for the colours given by index."""
    table = np.repeat(np.arange(1, 257, dtype=np.int64)[:, None], 4, axis=1)
    table[:, 3] = 255
    for index, colour in colours.items():
        table[index - 1, :3] = colour
    return chunk(b"RGBA", table.astype(np.uint8).tobytes())


def transform(
    node: int, child: int, layer: int = -1, frame: dict[str, str] | None = None, **more: str
) -> bytes:
    content = ints(node) + attributes(**more) + ints(child, -1, layer, 1) + attributes(**(frame or {}))
    return chunk(b"nTRN", content)


def group(node: int, *children: int) -> bytes:
    return chunk(b"nGRP", ints(node, 0, len(children), *children))


def shape(node: int, number: int) -> bytes:
    return chunk(b"nSHP", ints(node, 0, 1, number, 0))


def material(index: int, **look: str) -> bytes:
    return chunk(b"MATL", ints(index) + attributes(**look))


def vox(*chunks: bytes, version: int = 150) -> bytes:
    body = b"".join(chunks)
    return b"VOX " + ints(version) + b"MAIN" + ints(0, len(body)) + body


def binvox(filled: np.ndarray, translate: str = "0 0 0", scale: str = "1") -> bytes:
    """`filled` (x, z, y) bool, as the runs go."""
    x, z, y = filled.shape
    head = f"#binvox 1\ndim {x} {z} {y}\ntranslate {translate}\nscale {scale}\ndata\n".encode()
    flat = filled.ravel().astype(np.uint8)
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = []
    for run in np.split(flat, ends):
        for start in range(0, len(run), 255):
            runs.append((int(run[0]), min(255, len(run) - start)))
    return head + np.array(runs, np.uint8).tobytes()
