"""The PLY of 3D Gaussian splatting, as written by the reference code, nerfstudio, gsplat and SuperSplat.

Properties may have any order and float type; additional ones are kept unchanged:
x y z, f_dc_0…2, f_rest_* (all of red, then green, then blue), opacity (a logit), scale_* (logarithms; two
of them for flat splats) and rot_0…3 (w x y z, of any length). Colours may be red green blue instead of f_dc.
CloudCompare, which has such properties as scalar fields, writes scalar_ before their names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from nst3d.cameras.axes import UP_AND_FRONT, Direction
from nst3d.errors import InputError
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.ply_tables import Tables, properties_of, read_header, read_tables, up_of
from nst3d.formats.splats.rows import (
    Loaded,
    Paint,
    Rows,
    claim_rows,
    coefficients,
    degree_note,
    join_harmonics,
    logit,
    sigmoid,
)
from nst3d.representations.harmonics import from_colours
from nst3d.representations.splats import Splats
from nst3d.tensors import Array

_PLACE = ("x", "y", "z")
_DC = ("f_dc_0", "f_dc_1", "f_dc_2")
_RGB = ("red", "green", "blue")
_SCALE = ("scale_0", "scale_1", "scale_2")
_ROTATION = ("rot_0", "rot_1", "rot_2", "rot_3")
_REST = re.compile(r"f_rest_(\d+)")
_GAUSSIAN = re.compile(r"(?:f_dc|f_rest|scale|rot)_\d+|opacity")
_SCALAR = "scalar_"
_UP = "-y"
_MARKS = {"opacity", "f_dc_0", "scale_0", "rot_0"}
"""Properties of Gaussians; a file with two of them but not the others is a broken splat file."""


def is_splat_header(header: bytes) -> bool:
    """Whether a PLY header declares 3D Gaussians, packed or not."""
    names = {_plain(name) for name in properties_of(header)}
    return {"packed_position", "packed_color"} <= names or len(_MARKS & names) > 1


def is_packed_header(header: bytes) -> bool:
    """Whether a PLY header declares 3D Gaussians packed as by PlayCanvas."""
    return "packed_position" in properties_of(header)


def stated_up(tables: Tables) -> Direction:
    """World up as the header says; otherwise up in photographs' cameras."""
    return UP_AND_FRONT[up_of(tables.header) or _UP][0]


def read_splat_ply(path: Path, tables: Tables) -> Loaded:
    """The splats in a PLY's element "vertex". Raises InputError for missing properties."""
    vertex = _plainly(tables.tables.get("vertex", np.zeros(0, np.dtype([]))))
    names = set(vertex.dtype.names or ())
    flat = "scale_2" not in names
    colours = _RGB if _DC[0] not in names and set(_RGB) <= names else _DC
    wanted = (*_PLACE, *colours, "opacity", *(_SCALE[:2] if flat else _SCALE), *_ROTATION)
    if missing := [n for n in wanted if n not in names]:
        raise InputError(f"{path}: not a Gaussian-splat PLY: it has no {', '.join(missing)}")
    if wrong := [n for n in wanted if n not in _RGB and vertex.dtype[n].kind != "f"]:
        raise InputError(f"{path}: its properties {', '.join(wrong)} are integers, expected floats")
    rest = _rest_names(vertex)
    degree = round((len(rest) / 3 + 1) ** 0.5) - 1
    if len(rest) != 3 * coefficients(degree) or rest != [f"f_rest_{k}" for k in range(len(rest))]:
        raise InputError(
            f"{path}: has {len(rest)} f_rest properties, numbered up to {rest[-1][7:]}, expected 0, 9, 24 or 45"
        )
    claim_rows(len(vertex), 1 + coefficients(min(degree, 3)), path)
    constant = _columns(vertex, colours)
    if colours == _RGB:
        full = np.iinfo(vertex.dtype["red"]).max if vertex.dtype["red"].kind in "ui" else 1
        constant = from_colours(constant / full)
    higher = _columns(vertex, tuple(rest)).reshape(len(vertex), 3, coefficients(degree)).transpose(0, 2, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        scales = np.exp(_columns(vertex, _SCALE[:2] if flat else _SCALE))
        rows = Rows(
            positions=_columns(vertex, _PLACE),
            scales=np.pad(scales, ((0, 0), (0, 3 - scales.shape[1]))),
            rotations=_columns(vertex, _ROTATION),
            opacities=sigmoid(_columns(vertex, ("opacity",))[:, 0]),
            harmonics=join_harmonics(constant, higher),
        )
    notes = ("flat splats (two scales): the third is 0",) if flat else ()
    return Loaded(rows, tables, (*notes, *degree_note(degree)), stated_up(tables))


def repaint_splat_ply(tables: Tables, paint: Paint) -> bytes:
    """The file with new colours: f_dc, and red green blue if present; f_rest × `paint.specular`."""
    if paint.nothing:
        return tables.to_bytes()
    vertex = _plainly(tables.tables["vertex"].copy())
    names = set(vertex.dtype.names or ())
    dc = from_colours(paint.colours)
    for k in range(3):
        if _DC[k] in names:
            vertex[_DC[k]][paint.changed] = dc[paint.changed, k]
        if set(_RGB) <= names:
            shade = np.clip(paint.colours[paint.changed, k], 0, 1)
            if (kind := vertex.dtype[_RGB[k]]).kind in "ui":
                shade = np.floor(shade * np.iinfo(kind).max + 0.5)
            vertex[_RGB[k]][paint.changed] = shade
    if paint.fades:
        fades = paint.column[:, 0] != 1
        for name in _rest_names(vertex):
            vertex[name][fades] *= paint.column[fades, 0]
    return replace(tables, tables=tables.tables | {"vertex": vertex}).to_bytes()


def fresh_splat_ply(splats: Splats) -> bytes:
    """A new binary little-endian PLY with the reference code's property order, without normals."""
    rest = splats.harmonics[:, 1:].transpose(0, 2, 1).reshape(len(splats), -1)
    names = [*_PLACE, *_DC, *(f"f_rest_{k}" for k in range(rest.shape[1])), "opacity", *_SCALE, *_ROTATION]
    columns = [splats.positions, splats.harmonics[:, 0], rest, logit(splats.opacities)[:, None]]
    columns += [np.log(splats.scales.astype(np.float64)), splats.rotations]
    told = [f"comment Vertical Axis: {n}" for n, (up, _) in UP_AND_FRONT.items()
            if n != _UP and np.array_equal(splats.up, up)]  # fmt: skip
    lines = ["ply", "format binary_little_endian 1.0", *told, f"element vertex {len(splats)}"]
    lines += [*(f"property float {n}" for n in names), "end_header", ""]
    return "\n".join(lines).encode() + np.concatenate(columns, axis=1).astype("<f4").tobytes()


def _plain(name: str) -> str:
    """A property's name in the reference code."""
    own = name.removeprefix(_SCALAR)
    return own if _GAUSSIAN.fullmatch(own) else name


def _plainly(vertex: Array) -> Array:
    """The same rows under the reference code's names, unless that makes two of one name."""
    names = vertex.dtype.names or ()
    plain = [_plain(n) for n in names]
    if plain == list(names) or len(set(plain)) < len(plain):
        return vertex
    return vertex.view([(p, vertex.dtype[n]) for p, n in zip(plain, names)])


def _rest_names(vertex: Array) -> list[str]:
    found = [n for n in vertex.dtype.names or () if _REST.fullmatch(n)]
    return sorted(found, key=lambda n: int(n[7:]))


def _columns(vertex: Array, names: tuple[str, ...]) -> Array:
    """(n, len(names)) float64 if a property is double, otherwise float32."""
    if not names:
        return np.zeros((len(vertex), 0), np.float32)
    kind = np.float64 if any(vertex.dtype[n].itemsize == 8 for n in names) else np.float32
    return np.stack([vertex[n].astype(kind) for n in names], axis=1)


def _sniff(peek: Peek) -> bool:
    return is_splat_header(peek.once(read_header)) and not is_packed_header(peek.once(read_header))


def _load(path: Path) -> Loaded:
    return read_splat_ply(path, read_tables(path))


register_format(
    Format(
        "splat-ply",
        (".ply",),
        "splats",
        "a splat scene",
        _load,
        fresh_splat_ply,
        repaint_splat_ply,
        _sniff,
    )
)
