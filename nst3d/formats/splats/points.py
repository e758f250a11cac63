"""Point clouds: reads .ply without faces, .pcd and .xyz, and writes .ply with all their data.

A cloud is painted as splats, one per point. Unpainted data stays bit for bit: a PLY's other properties and
elements, a PCD's other fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nst3d.cameras.axes import UP_AND_FRONT
from nst3d.cameras.rigs import standing
from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.pcd import read_pcd
from nst3d.formats.splats.ply import is_splat_header
from nst3d.formats.splats.ply_tables import Tables, elements_of, read_header, read_tables, up_of
from nst3d.formats.splats.rows import Loaded, Paint, Rows, settled
from nst3d.formats.splats.xyz import read_xyz
from nst3d.representations.harmonics import from_colours
from nst3d.representations.points import PointCloud, estimated_normals, shades, splat_widths
from nst3d.representations.splats import Splats
from nst3d.representations.triangles import unit
from nst3d.tensors import Array

_SUFFIXES = (".pcd", ".xyz")
"""Suffixes that are always point clouds; a .ply may be one."""
_COLOURS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
_NORMAL = ("nx", "ny", "nz")
_TYPES = {"f4": "float", "f8": "double", "u1": "uchar", "i1": "char", "u2": "ushort", "i2": "short"}
_TYPES |= {"u4": "uint", "i4": "int"}
_FARTHEST = 1e15
_FAR = 1e3
"""Distance from the origin in diagonals of the cloud."""


@dataclass(frozen=True)
class PointFile:
    """The data from which a painted cloud is written back."""

    tables: Tables
    names: tuple[str, ...]
    """The colour properties; empty: the file has none, and gets red, green, blue."""
    full: float
    """The value of white."""


def is_point_cloud(place: PathLike | Peek) -> bool:
    """Whether a file has the suffix of a point cloud, or is a PLY of points without faces or Gaussians."""
    peek = Peek.at(place)
    if peek.suffix != ".ply":
        return peek.suffix in _SUFFIXES and peek.path.is_file()
    header = peek.once(read_header)
    try:
        elements = elements_of(header)
    except (ValueError, KeyError, IndexError, StopIteration):
        return False
    count, properties = elements.get("vertex", (0, []))
    lists = any(n and any(t == "list" for _, t in properties) for n, properties in elements.values())
    return count > 0 and not lists and not is_splat_header(header) and _has(properties, "xyz")


def read_points(path: Path) -> Loaded:
    """A cloud as opaque round splats that just close its surface; non-finite points are broken splats.

    A cloud without colours is shaded by its normals, estimated if missing. Raises InputError
    for a file that is broken, truncated, or has no finite points.
    """
    return as_splats(*_read(path), path)


def as_splats(file: PointFile, up: str, path: Path) -> Loaded:
    """A cloud with the given up axis ("y"), as `read_points` returns it; `path` is for messages."""
    notes: list[str] = []
    vertex = file.tables.tables["vertex"]
    places = _columns(vertex, "xyz")
    sound = _sound(places, path)
    colours = _shown(file, vertex, sound)
    if colours is None:
        colours, note = _shaded(_normals(vertex), places, sound, np.array(UP_AND_FRONT[up][0]))
        notes.append(note)
    rows = _rows(places, sound, colours, notes)
    return Loaded(rows, file, tuple(notes), UP_AND_FRONT[up][0])


def splats_of_points(cloud: PointCloud, name: str) -> Splats:
    """The same of a cloud in memory: splats in the order of its points. InputError, which begins with `name`."""
    places, notes = cloud.positions, list[str]()
    sound, colours = _sound(places, Path(name)), cloud.colours
    if colours is None:
        colours, note = _shaded(cloud.normals, places, sound, np.array(cloud.up))
        notes.append(note)
    rows, _, more = settled(_rows(places, sound, colours, notes), Path(name))
    return Splats(**vars(rows), up=np.array(cloud.up), notes=(*notes, *more))


def _rows(places: Array, sound: Array, colours: Array, notes: list[str]) -> Rows:
    widths = np.zeros(len(places), np.float32)
    widths[sound] = splat_widths(places[sound])
    return Rows(
        positions=_near(places, sound, notes),
        scales=np.repeat(widths[:, None], 3, axis=1),
        rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (len(places), 1)),
        opacities=np.where(sound, 1.0, 0.0),
        harmonics=from_colours(colours)[:, None],
    )


def load_points(path: PathLike) -> PointCloud:
    """The finite points of a cloud, unconverted. Raises InputError like `read_points`."""
    return as_cloud(*_read(Path(path)), Path(path))


def as_cloud(file: PointFile, up: str, path: Path) -> PointCloud:
    """A cloud with the given up axis, as `load_points` returns it; `path` is for messages."""
    vertex = file.tables.tables["vertex"]
    places = _columns(vertex, "xyz").astype(np.float64)
    sound = _sound(places, path)
    colours = _shown(file, vertex, sound)
    normals = _normals(vertex)
    return PointCloud(
        places[sound],
        None if colours is None else np.clip(colours[sound], 0, 1),
        None if normals is None else normals[sound],
        UP_AND_FRONT[up][0],
    )


def repaint_points(file: PointFile, paint: Paint) -> bytes:
    """The cloud as PLY with new colours, clamped, and rounded if integers; everything else unchanged."""
    vertex = file.tables.tables["vertex"]
    shown, changed, tables, names = np.clip(paint.colours, 0, 1), paint.changed, file.tables, file.names
    if not names:
        tables, names, changed = _with_colours(tables), _COLOURS[0], np.ones(len(vertex), bool)
    vertex = tables.tables["vertex"].copy()
    for name, column in zip(names, shown.T):
        values = column[changed].astype(np.float64) * (file.full if file.names else 255)
        vertex[name][changed] = np.floor(values + 0.5) if vertex.dtype[name].kind in "ui" else values
    return replace(tables, tables=tables.tables | {"vertex": vertex}).to_bytes()


def _read(path: Path) -> tuple[PointFile, str]:
    """The file and its up axis."""
    suffix = path.suffix.lower()
    readers: dict[str, Callable[[Path], dict[str, Array]]] = {".pcd": read_pcd, ".xyz": read_xyz}
    if suffix in readers:
        tables, up = _as_ply(readers[suffix](path)), "z"  # scanners and robots have z up
    else:
        tables = read_tables(path)
        up = up_of(tables.header) or "y"
    vertex = tables.tables.get("vertex", np.zeros(0, np.dtype([])))
    if not len(vertex) or not {"x", "y", "z"} <= set(vertex.dtype.names or ()):
        raise InputError(f"{path}: holds no points")
    return _with_names(tables), up


def file_of(columns: dict[str, Array]) -> PointFile:
    """Columns (n,) named as a PLY's, "x" to "blue", as a cloud."""
    return _with_names(_as_ply(columns))


def _with_names(tables: Tables) -> PointFile:
    vertex = tables.tables["vertex"]
    names = next((n for n in _COLOURS if set(n) <= set(vertex.dtype.names or ())), ())
    return PointFile(tables, names, _full(vertex, names))


def _full(vertex: Array, names: tuple[str, ...]) -> float:
    if not names:
        return 1.0
    if vertex.dtype[names[0]].kind in "ui":
        return float(np.iinfo(vertex.dtype[names[0]]).max)
    largest = max(float(np.nanmax(vertex[n], initial=0)) for n in names)
    return 1.0 if largest < 2 else 255.0


def _shown(file: PointFile, vertex: Array, sound: Array) -> Array | None:
    """Colours (n, 3) float32, or None; NaN colours of sound points become mid grey."""
    if not file.names:
        return None
    colours = (_columns(vertex, file.names) / file.full).astype(np.float32)
    odd = sound & ~np.isfinite(colours).all(1)
    return np.where(odd[:, None], np.float32(0.5), colours)


def _sound(places: Array, path: Path) -> Array:
    """A mask (n,) of the usable positions (n, 3). Raises InputError if there are none."""
    finite = np.isfinite(places).all(1)
    sound = finite & (np.abs(places).max(1, initial=0) < _FARTHEST)
    if finite.any() and not sound.any():
        raise InputError(f"{path}: its coordinates are too large; expected values below {_FARTHEST:g}")
    if not sound.any():
        raise InputError(f"{path}: holds no finite points")
    return np.asarray(sound)


def _near(places: Array, sound: Array, notes: list[str]) -> Array:
    """The positions, moved to the origin if too far away for float32, as survey coordinates are."""
    low, high = places[sound].min(0), places[sound].max(0)
    middle = np.round((low + high) / 2)
    size = np.linalg.norm(high - low)
    if size == 0 or np.linalg.norm(middle) < _FAR * size:
        return places
    notes.append(
        f"the points are far from the origin, at about ({', '.join(f'{v:g}' for v in middle)}): they are"
        " moved to it for painting, and written back in place"
    )
    return places - middle


def _normals(vertex: Array) -> Array | None:
    if not set(_NORMAL) <= set(vertex.dtype.names or ()):
        return None
    normals = _columns(vertex, _NORMAL)
    finite = np.isfinite(normals).all(1, keepdims=True)
    normals = unit(np.where(finite, normals, 0), (0.0, 0.0, 0.0)).astype(np.float32)
    return normals if normals.any() else None


def _shaded(normals: Array | None, places: Array, sound: Array, up: Array) -> tuple[Array, str]:
    how = "its normals"
    if normals is None:
        normals, how = np.zeros((len(places), 3), np.float32), "normals estimated from neighbours"
        normals[sound] = estimated_normals(places[sound].astype(np.float64))
    axes = standing(up).axes()
    return shades(normals, axes), f"the points have no colours; starting from grey, shaded by {how}"


def _as_ply(columns: dict[str, Array]) -> Tables:
    """Columns (n,) as a PLY's vertices; 64-bit integers, which PLY lacks, become doubles."""
    kinds = {n: c.dtype.str[1:] if c.dtype.str[1:] in _TYPES else "f8" for n, c in columns.items()}
    vertex = np.empty(len(columns["x"]), [(n, "<" + k) for n, k in kinds.items()])
    for name, column in columns.items():
        vertex[name] = column
    lines = ["ply", "format binary_little_endian 1.0", "comment up z", f"element vertex {len(vertex)}"]
    lines += [f"property {_TYPES[k]} {re.sub(r'[^!-~]', '_', n)}" for n, k in kinds.items()]
    return Tables("\n".join([*lines, "end_header", ""]).encode(), {"vertex": vertex})


def _with_colours(tables: Tables) -> Tables:
    """The tables with red, green and blue appended to the vertices' properties."""
    old = tables.tables["vertex"]
    vertex = np.zeros(len(old), [*old.dtype.descr, *((n, "u1") for n in _COLOURS[0])])
    for name in old.dtype.names or ():
        vertex[name] = old[name]
    lines, inside, last = tables.header.splitlines(keepends=True), False, 0
    for number, line in enumerate(lines):
        words = line.split()
        inside = words[1:2] == [b"vertex"] if words[:1] == [b"element"] else inside
        last = number if inside and words[:1] == [b"property"] else last
    ending = b"\r\n" if lines[last].endswith(b"\r\n") else b"\n"
    lines[last + 1 : last + 1] = [b"property uchar " + n.encode() + ending for n in _COLOURS[0]]
    return replace(tables, header=b"".join(lines), tables=tables.tables | {"vertex": vertex})


def _has(properties: list[tuple[str, str]], names: str) -> bool:
    return set(names) <= {name for name, _ in properties}


def _columns(vertex: Array, names: tuple[str, ...] | str) -> Array:
    """(n, 3) float64 if a property is double or a wide integer, otherwise float32."""
    wide = any(vertex.dtype[n].itemsize > 2 and vertex.dtype[n] != np.float32 for n in names)
    return np.stack([vertex[n].astype(np.float64 if wide else np.float32) for n in names], axis=1)


register_format(
    Format(
        "point-ply",
        (".ply",),
        "points",
        "a point cloud",
        read_points,
        repaint=repaint_points,
        sniff=is_point_cloud,
    )
)
register_format(
    Format("pcd", (".pcd",), "points", "a point cloud", read_points, repaint=repaint_points, writes=".ply")
)
register_format(
    Format("xyz", (".xyz",), "points", "a point cloud", read_points, repaint=repaint_points, writes=".ply")
)
