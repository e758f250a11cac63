"""binvox: run-length encoded cells without colours (Nooruddin and Turk 2003; Min's program binvox)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.io.files import read_bytes
from nst3d.formats.registry import Format, register_format
from nst3d.formats.voxels.block_mesh import block_mesh, check_sides
from nst3d.formats.voxels.vox_fresh import BlocksDocument
from nst3d.representations.blocks import BlockGrid
from nst3d.representations.mesh import Instance, Mesh
from nst3d.tensors import Array

_LARGEST, _MOST_CELLS = 512, 20_000_000


@dataclass(frozen=True)
class _Header:
    dims: tuple[int, int, int]
    """Cells along x, z and y, in the order of the runs, y fastest."""
    translate: Array
    scale: float
    start: int
    """Offset of the runs."""


def load_binvox(path: PathLike) -> Mesh:
    """The exposed faces of the occupied cells: one part in cell units, z up, placed by its instance in the
    file's own world, where up is +y and front +z.

    Raises InputError if the file is not a binvox, truncated, or has no voxels or too many.
    """
    path = Path(path)
    data = read_bytes(path)
    header = _header(data, path)
    cells = _cells(data, header, path)
    grid = BlockGrid(cells)
    check_sides(path, grid.num_sides)
    part = grid.part(path.stem, 0, None)
    instance = Instance(0, _world(header), path.stem)
    return block_mesh((part,), (instance,), BlocksDocument(cells), y_up=True)


def _header(data: bytes, path: Path) -> _Header:
    if not data.startswith(b"#binvox"):
        raise InputError(f"{path}: not a binvox file; it does not start with '#binvox'")
    values: dict[str, list[str]] = {}
    at = 0
    while True:
        end = data.find(b"\n", at, at + 1000)
        if end < 0:
            raise InputError(f"{path}: broken or truncated; its header has no 'data' line")
        words = data[at:end].decode("latin-1").partition("#")[0].split()  # comments begin with #
        at = end + 1
        if words[:1] == ["data"]:
            break
        values[words[0] if words else ""] = words[1:]
    try:
        x, z, y = (int(word) for word in values["dim"])
        translate = np.array([float(word) for word in values.get("translate", ["0"] * 3)])
        (scale,) = (float(word) for word in values.get("scale", ["1"]))
    except (KeyError, ValueError):
        raise InputError(f"{path}: broken; its header needs dim, translate and scale with numbers") from None
    if not all(1 <= side <= _LARGEST for side in (x, y, z)):
        raise InputError(
            f"{path}: a grid of {x} x {y} x {z} cells; each side must have between 1 and {_LARGEST}, see binvox -d"
        )
    if translate.shape != (3,) or not np.isfinite([*translate, scale]).all() or not 0 < scale < 1e15:
        raise InputError(f"{path}: broken; translate {translate.tolist()} and scale {scale} are not valid")
    return _Header((x, z, y), translate, scale, at)


def _cells(data: bytes, header: _Header, path: Path) -> Array:
    """The occupied cells (n, 3) int32, rotated to z up: binvox has y up and z to the front."""
    runs = np.frombuffer(data, np.uint8, (len(data) - header.start) // 2 * 2, header.start).reshape(-1, 2)
    total, held = int(np.prod(header.dims, dtype=object)), int(runs[:, 1].sum(dtype=np.int64))
    if held != total:
        raise InputError(f"{path}: broken or truncated; its runs cover {held} of {total} cells")
    lengths = runs[:, 1].astype(np.int64)
    full = runs[:, 0] > 0
    count = int(lengths[full].sum())
    if not count:
        raise InputError(f"{path}: holds no voxels")
    if count > _MOST_CELLS:
        raise InputError(
            f"{path}: {count} cells are filled, at most {_MOST_CELLS} are supported; see binvox -d"
        )
    begins = (np.cumsum(lengths) - lengths)[full]
    lengths = lengths[full]
    skipped = np.cumsum(lengths) - lengths
    places = np.repeat(begins - skipped, lengths) + np.arange(count)
    x, z, y = np.unravel_index(places, header.dims)
    return np.stack([x, header.dims[1] - 1 - z, y], axis=1).astype(np.int32)


def _world(header: _Header) -> Array:
    """(4, 4): cells, z up, to the file's world, y up: cell i along the longest side is scale / dim wide."""
    width = header.scale / max(header.dims)
    matrix = np.zeros((4, 4))
    matrix[0, 0] = matrix[1, 2] = width
    matrix[2, 1] = -width
    matrix[:3, 3] = header.translate + np.array([0, 0, width * header.dims[1]])
    matrix[3, 3] = 1
    return matrix


register_format(
    Format(
        "binvox",
        (".binvox",),
        "mesh",
        "a binvox grid",
        load_binvox,
        magic=(b"#binvox",),
        writes=".vox",
        rank=1,
    )
)
