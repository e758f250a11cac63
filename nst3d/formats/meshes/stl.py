"""STL, read only: triangles, binary or ASCII, with the colours that some programs hide in binary files.

Not trimesh's STL reader (5.2), which drops faces that are not finite without a word, loses the last solid of an
ASCII file that is cut off, and takes a solid's name for numbers if it contains "vertex".
"""

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
from nst3d.representations.split import split_vertices
from nst3d.tensors import Array

_HEADER = 84
_TRIANGLE = np.dtype([("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_MAGICS = b"COLOR="
"""What Materialise Magics puts into a header, before the colour of faces without their own."""
_MERGED = 4 * float(np.finfo(np.float32).eps)


@np.errstate(invalid="ignore", over="ignore")
def load_stl(path: PathLike) -> Mesh:
    """The mesh in an STL file as one part; up is +Z and front -Y, as in CAD programs.

    Corners that differ by no more than float32 rounding become one vertex, the first of them, unless their
    faces differ in colour. Raises InputError if the file is not an STL, truncated, or empty.
    """
    path = Path(path)
    data = read_bytes(path)
    table = _binary(data)
    corners = _text_corners(data, path) if table is None else table["corners"].reshape(-1, 3)
    first, group = unique_rows(np.round(corners.astype(np.float64) / _grid(corners)))
    vertices, faces, colours = corners[first].astype(np.float64), group.reshape(-1, 3), None
    shades = None if table is None else _colours(data, table["attribute"])
    if shades is not None:
        rows, faces, colours = split_vertices(faces, np.repeat(shades[:, None], 3, axis=1))
        vertices = vertices[rows]
    part = Part(path.stem, vertices, faces.astype(np.int32), 0, colours=colours)
    mesh = Mesh(
        parts=(part,),
        instances=(Instance(0, name=path.stem),),
        materials=(Material("material", PLAIN_GREY if colours is None else (1.0, 1.0, 1.0)),),
        textures=(),
        frame=Similarity(np.zeros(3), 1.0),
        up=(0.0, 0.0, 1.0),
        front=(0.0, -1.0, 0.0),
    )
    return repaired(mesh, str(path))


def _binary(data: bytes) -> Array | None:
    """The triangles of a binary file; None: it is none. It may start with "solid", so the size decides."""
    count = int.from_bytes(data[80:_HEADER], "little")
    if len(data) < _HEADER or len(data) != _HEADER + count * _TRIANGLE.itemsize:
        return None
    return np.frombuffer(data, _TRIANGLE, count, _HEADER)


def _text_corners(data: bytes, path: Path) -> Array:
    """Three rows per triangle of an ASCII file, (3 f, 3)."""
    if data[:512].lstrip().lower().startswith(b"solid") and b"\0" not in data[:512]:
        return _ascii_corners(data, path)
    if len(data) < _HEADER:
        raise InputError(f"{path}: not an STL file, or truncated ({len(data)} bytes)")
    count, held = int.from_bytes(data[80:_HEADER], "little"), (len(data) - _HEADER) // _TRIANGLE.itemsize
    raise InputError(
        f"{path}: not an STL file, or truncated; it declares {count} triangles and contains {held}"
    )


def _colours(data: bytes, attributes: Array) -> Array | None:
    """Colours (f, 3) float32 of the faces of a binary file, or None if it has none.

    Five bits each: VisCAM and SolidView set the highest bit where a face has a colour, blue first; Magics
    clears it there, red first, and states the colour of the others in the header.
    """
    bits = attributes.astype(np.int64)
    five = np.stack([bits >> shift & 31 for shift in (0, 5, 10)], axis=1) / 31
    marked = (bits >> 15 == 1)[:, None]
    place = data[:80].find(_MAGICS)
    if 0 <= place <= 80 - len(_MAGICS) - 3:
        others = np.frombuffer(data, np.uint8, 3, place + len(_MAGICS)) / 255
        return np.where(marked, others, five).astype(np.float32)
    return np.where(marked, five[:, ::-1], PLAIN_GREY).astype(np.float32) if marked.any() else None


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
