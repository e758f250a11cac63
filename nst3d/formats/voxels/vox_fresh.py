"""A new MagicaVoxel file from painted voxels of another format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.images.quantise import quantise
from nst3d.tensors import Array

_SIDE = 256
"""Most cells per side of a model; larger grids become several models, side by side in the scene."""
_SCENE, _GROUP = 0, 1


@dataclass(frozen=True)
class BlocksDocument:
    """The voxels of a file that contains nothing else."""

    cells: Array
    """(n, 3) int32 ≥ 0, z up."""


def fresh_vox(document: BlocksDocument, colours: Array) -> bytes:
    """A file of all cells in `colours` (n, 3) uint8, reduced to a palette of at most 255."""
    cells = document.cells
    palette, entry = quantise(colours, np.ones(len(cells)), 255)
    block = cells // _SIDE
    tiles, owner = np.unique(block, axis=0, return_inverse=True)
    owner = owner.reshape(-1)
    models, nodes, children = b"", b"", []
    for number, tile in enumerate(tiles):
        mine = np.flatnonzero(owner == number)
        inside = cells[mine] - tile * _SIDE
        size = inside.max(0) + 1
        voxels = np.concatenate([inside, entry[mine, None] + 1], axis=1).astype(np.uint8)
        models += _chunk(b"SIZE", _integers(*size))
        models += _chunk(b"XYZI", _integers(len(mine)) + voxels.tobytes())
        placed, shape = 2 + 2 * number, 3 + 2 * number
        offset = tile * _SIDE + size // 2
        nodes += _transform(placed, shape, " ".join(str(int(v)) for v in offset))
        nodes += _chunk(b"nSHP", _integers(shape, 0, 1, number, 0))
        children.append(placed)
    scene = _transform(_SCENE, _GROUP, None)
    scene += _chunk(b"nGRP", _integers(_GROUP, 0, len(children), *children))
    table = np.zeros((256, 4), np.uint8)
    table[: len(palette), :3] = palette
    table[: len(palette), 3] = 255
    body = models + scene + nodes + _chunk(b"RGBA", table.tobytes())
    return b"VOX " + _integers(150) + b"MAIN" + _integers(0, len(body)) + body


def _transform(node: int, child: int, offset: str | None) -> bytes:
    frame = _integers(0) if offset is None else _integers(1) + _text("_t") + _text(offset)
    return _chunk(b"nTRN", _integers(node, 0, child, -1, -1, 1) + frame)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + _integers(len(content), 0) + content


def _text(text: str) -> bytes:
    return _integers(len(text)) + text.encode()


def _integers(*values: int) -> bytes:
    return np.array(values, "<i4").tobytes()
