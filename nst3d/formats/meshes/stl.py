"""STL, read only: bare triangles, binary or ASCII. It cannot store colours, so it is not written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.io.files import read_bytes
from nst3d.formats.io.textscan import parse_numbers, select, split_lines, tokens_per_line
from nst3d.formats.meshes.textures import PLAIN_GREY
from nst3d.formats.registry import Format, register_format
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Similarity
from nst3d.representations.repair import repaired
from nst3d.representations.rows import unique_rows
from nst3d.tensors import Array

_HEADER = 84
_TRIANGLE = np.dtype([("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_MERGED = 4 * float(np.finfo(np.float32).eps)


@np.errstate(invalid="ignore", over="ignore")
def load_stl(path: PathLike) -> Mesh:
    """The mesh in an STL file as one part; up is +Z and front -Y, as in CAD programs.

    Corners that differ by no more than float32 rounding become one vertex, the first of them. Colours that
    some programs hide in attribute bytes are ignored. Raises InputError if the file is not an STL, truncated,
    or empty. Our own reader of a few lines, so that a truncated file is not mistaken for an ASCII one.
    """
    path = Path(path)
    data = read_bytes(path)
    corners = _corners(data, path)
    first, group = unique_rows(np.round(corners.astype(np.float64) / _grid(corners)))
    part = Part(path.stem, corners[first].astype(np.float64), group.reshape(-1, 3).astype(np.int32), 0)
    mesh = Mesh(
        parts=(part,),
        instances=(Instance(0, name=path.stem),),
        materials=(Material("material", PLAIN_GREY),),
        textures=(),
        frame=Similarity(np.zeros(3), 1.0),
        up=(0.0, 0.0, 1.0),
        front=(0.0, -1.0, 0.0),
    )
    return repaired(mesh, str(path))


def _corners(data: bytes, path: Path) -> Array:
    """Three rows per triangle, (3 f, 3)."""
    if len(data) >= _HEADER:
        count = int.from_bytes(data[80:_HEADER], "little")
        # Binary files may start with "solid", too, so the size decides.
        if len(data) == _HEADER + count * _TRIANGLE.itemsize:
            return np.frombuffer(data, _TRIANGLE, count, _HEADER)["corners"].reshape(-1, 3)
    if data[:512].lstrip().lower().startswith(b"solid") and b"\0" not in data[:512]:
        return _ascii_corners(data, path)
    if len(data) < _HEADER:
        raise InputError(f"{path}: not an STL file, or truncated ({len(data)} bytes)")
    held = (len(data) - _HEADER) // _TRIANGLE.itemsize
    raise InputError(
        f"{path}: not an STL file, or truncated; it declares {count} triangles and contains {held}"
    )


def _grid(corners: Array) -> float:
    """The distance below which corners are merged, from a typical coordinate, robust to a few outliers."""
    reach = np.abs(corners).max(1)
    reach = reach[np.isfinite(reach)]
    typical = float(np.median(reach)) if len(reach) else 1.0
    return _MERGED * typical if typical > 0 else 1.0


def _ascii_corners(data: bytes, path: Path) -> Array:
    lines = split_lines(data.lower())
    mask = lines.starting(b"vertex")
    text = select(lines, mask, len(b"vertex"))
    counts = tokens_per_line(text)
    values = parse_numbers(text, np.float64, int(counts.sum()), str(path))
    if (counts != 3).any() or len(counts) % 3 or not lines.starting(b"endsolid").any():
        raise InputError(f"{path}: broken or truncated; expected three vertices per facet, then endsolid")
    return values.reshape(-1, 3)


register_format(Format("stl", (".stl",), "mesh", "an STL", load_stl, hint="STL cannot hold colours"))
