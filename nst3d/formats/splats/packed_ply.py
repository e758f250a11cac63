"""PlayCanvas' compressed PLY: chunks of 256 splats, each of four words relative to the chunk's bounds.

Element "chunk" holds bounds of positions, scales (logarithms) and, in newer files, colours; "vertex" the
words: position 11 10 11 bits, rotation 2 + 3 × 10 (the largest of w x y z left out), scale like position,
colour and opacity 8 each; the optional "sh" has one byte per coefficient, all of red first, from −4 to 4.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.ply import is_packed_header, stated_up
from nst3d.formats.splats.ply_tables import Tables, read_header, read_tables
from nst3d.formats.splats.rows import (
    Loaded,
    Paint,
    Rows,
    claim_rows,
    coefficients,
    from_smallest_three,
    join_harmonics,
)
from nst3d.representations.harmonics import from_colours
from nst3d.tensors import Array

_CHUNK = 256
_WORDS = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
_AXES = ("x", "y", "z")
_SCALES = ("scale_x", "scale_y", "scale_z")
_RGB = ("r", "g", "b")
_SH = re.compile(rb"^element[ \t]+sh[ \t][^\n]*\n(?:property[^\n]*\n)*", re.MULTILINE)


def read_packed_ply(path: Path, tables: Tables) -> Loaded:
    """The splats in a compressed PLY. Raises InputError if elements or properties are missing."""
    vertex, chunk = tables.tables["vertex"], tables.tables.get("chunk", np.zeros(0, np.dtype([])))
    bounds = [f"{side}_{n}" for side in ("min", "max") for n in (*_AXES, *_SCALES)]
    bounds += [f"{side}_{n}" for side in ("min", "max") for n in _RGB] if _has_colour_bounds(chunk) else []
    missing = [n for n in _WORDS if n not in (vertex.dtype.names or ())]
    missing += [n for n in bounds if n not in (chunk.dtype.names or ())]
    if missing:
        raise InputError(f"{path}: not a compressed splat PLY: it has no {', '.join(missing)}")
    if any(vertex.dtype[n].str[1:] != "u4" for n in _WORDS):
        raise InputError(f"{path}: not a compressed splat PLY: its packed words are not uint")
    if len(chunk) != -(-len(vertex) // _CHUNK):
        raise InputError(f"{path}: broken: {len(chunk)} chunks for {len(vertex)} splats, expected 256 each")
    claim_rows(len(vertex), 16 if "sh" in tables.tables else 1, path)
    opacity = (vertex["packed_color"] & 255) / 255
    with np.errstate(over="ignore", invalid="ignore"):
        rows = Rows(
            positions=_between(chunk, _AXES, _unpack(vertex["packed_position"])),
            scales=np.exp(_between(chunk, _SCALES, _unpack(vertex["packed_scale"]))),
            rotations=_rotations(vertex["packed_rotation"]),
            opacities=opacity,
            harmonics=join_harmonics(from_colours(_colours(tables)), _higher(tables, path)),
        )
    return Loaded(rows, tables, up=stated_up(tables))


def repaint_packed_ply(tables: Tables, paint: Paint) -> bytes:
    """The file with new colours; chunks without changes keep their bits.

    In the others, bounds are recomputed and all colours requantised. The element "sh" is multiplied by
    `specular`; with 0 for all rows it is dropped, because no byte value means 0.
    """
    if paint.nothing:
        return tables.to_bytes()
    vertex, chunk = tables.tables["vertex"].copy(), tables.tables["chunk"].copy()
    touched = np.unique(np.flatnonzero(paint.changed) // _CHUNK)
    inside = np.isin(np.arange(len(vertex)) // _CHUNK, touched) & ~paint.broken
    colours: Array = np.where(paint.changed[:, None], paint.colours, _colours(tables)).astype(np.float32)
    if _has_colour_bounds(chunk):
        _set_bounds(chunk, colours, inside, touched)
        low, high = _bounds(chunk, _RGB, len(vertex))
        colours = (colours - low) / np.where(high > low, high - low, 1)
    levels = np.floor(np.clip(colours[inside], 0, 1) * 255 + 0.5).astype(np.uint32)
    alpha = vertex["packed_color"][inside] & 255
    vertex["packed_color"][inside] = levels[:, 0] << 24 | levels[:, 1] << 16 | levels[:, 2] << 8 | alpha
    changed = tables.tables | {"vertex": vertex, "chunk": chunk}
    header = tables.header
    if "sh" in changed and not np.any(paint.specular):
        del changed["sh"]
        header = _SH.sub(b"", header)
    elif "sh" in changed and paint.fades:
        changed["sh"] = _scaled(changed["sh"], paint)
    return replace(tables, header=header, tables=changed).to_bytes()


def _has_colour_bounds(chunk: Array) -> bool:
    return "min_r" in (chunk.dtype.names or ())


def _set_bounds(chunk: Array, colours: Array, inside: Array, touched: Array) -> None:
    owner = np.flatnonzero(inside) // _CHUNK
    for k, name in enumerate(_RGB):
        low, high = np.full(len(chunk), np.inf), np.full(len(chunk), -np.inf)
        np.minimum.at(low, owner, colours[inside, k])
        np.maximum.at(high, owner, colours[inside, k])
        chunk[f"min_{name}"][touched], chunk[f"max_{name}"][touched] = low[touched], high[touched]


def _bounds(chunk: Array, names: tuple[str, ...], count: int) -> tuple[Array, Array]:
    """Lower and upper bounds of each splat, (count, 3) float32."""
    owner = np.arange(count) // _CHUNK
    low, high = (
        np.stack([chunk[f"{side}_{n}"][owner].astype(np.float32) for n in names], axis=1)
        for side in ("min", "max")
    )
    return low, high


def _between(chunk: Array, names: tuple[str, ...], share: Array) -> Array:
    low, high = _bounds(chunk, names, len(share))
    return low * (1 - share) + high * share


def _unpack(words: Array) -> Array:
    """Words of 11 10 11 bits, unpacked to (n, 3) in [0, 1]."""
    return np.stack([(words >> 21) / 2047, (words >> 11 & 1023) / 1023, (words & 2047) / 2047], axis=1)


def _rotations(words: Array) -> Array:
    others = np.stack([words >> 20 & 1023, words >> 10 & 1023, words & 1023], axis=1)
    return from_smallest_three((words >> 30).astype(np.int64), (others / 1023 - 0.5) * 2**0.5)


def _colours(tables: Tables) -> Array:
    vertex, chunk = tables.tables["vertex"], tables.tables["chunk"]
    words = vertex["packed_color"]
    share = np.stack([words >> shift & 255 for shift in (24, 16, 8)], axis=1) / 255
    return _between(chunk, _RGB, share) if _has_colour_bounds(chunk) else share


def _higher(tables: Tables, path: Path) -> Array:
    """(n, k, 3)."""
    count, sh = len(tables.tables["vertex"]), tables.tables.get("sh")
    names = () if sh is None else sh.dtype.names or ()
    if sh is None or not names:
        return np.zeros((count, 0, 3), np.float32)
    size = len(names) // 3
    if len(sh) != count or size not in map(coefficients, (1, 2, 3)) or len(names) != 3 * size:
        raise InputError(f"{path}: broken: {len(sh)} rows of {len(names)} harmonics for {count} splats")
    if set(names) != {f"f_rest_{k}" for k in range(3 * size)} or any(sh.dtype[n].str != "|u1" for n in names):
        raise InputError(f"{path}: its harmonics are not bytes named f_rest_0, f_rest_1, …")
    levels = np.stack([sh[f"f_rest_{k}"] for k in range(3 * size)], axis=1)
    return _decoded(levels).reshape(count, 3, size).transpose(0, 2, 1)


def _decoded(levels: Array) -> Array:
    share = np.where(levels == 255, 1, np.where(levels == 0, 0, (levels + 0.5) / 256))
    return ((share - 0.5) * 8).astype(np.float32)


def _scaled(sh: Array, paint: Paint) -> Array:
    result, column = sh.copy(), paint.column[:, 0]
    for name in sh.dtype.names or ():
        share = _decoded(sh[name]) * (column / 8) + 0.5
        result[name] = np.where(column == 1, sh[name], np.clip(np.floor(share * 256), 0, 255))
    return result


def _sniff(peek: Peek) -> bool:
    return is_packed_header(peek.once(read_header))


def _load(path: Path) -> Loaded:
    return read_packed_ply(path, read_tables(path))


register_format(
    Format(
        "compressed-ply",
        (".compressed.ply", ".ply"),
        "splats",
        "a splat scene",
        _load,
        repaint=repaint_packed_ply,
        sniff=_sniff,
        rank=1,
    )
)
