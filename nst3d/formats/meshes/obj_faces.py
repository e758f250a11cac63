"""The faces of an OBJ: corner indices, triangulated, with the material of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.textscan import Lines, parse_numbers, select, tokens_per_line
from nst3d.representations.polygons import triangulate
from nst3d.tensors import Array

_SLASH, _SPACE = 47, 32


@dataclass(frozen=True)
class Corners:
    """Triangles of an OBJ; indices start at 0; -1 means that the file gives none."""

    vertex: Array
    """(f, 3) int64."""
    uv: Array
    """(f, 3) int64."""
    normal: Array
    """(f, 3) int64."""
    material: Array
    """(f,) int64, index into `materials`."""
    materials: tuple[str, ...]
    """Names in order of first use; "" for faces before any usemtl."""
    group: Array
    """(f,) int32, index into `groups`."""
    groups: tuple[tuple[str, ...], ...]
    """The object (o) and groups (g) of faces, each combination once; empty if the file names none."""


def read_corners(
    lines: Lines, vertices: Array, others: tuple[int, int], path: Path
) -> tuple[Corners, list[str]]:
    """All faces, and notes about dropped ones. `others`: the number of vt and vn lines in the file.

    Raises InputError if a line is broken or a face refers to a vertex that does not exist.
    """
    is_face = lines.starting(b"f")
    text = select(lines, is_face, 1)
    counts = tokens_per_line(text)
    fields = _fields(text, counts, path)
    line = np.repeat(np.flatnonzero(is_face), counts)
    vertex = _absolute(fields[0], line, lines.starting(b"v"))
    if len(vertex) and not (vertex.min() >= 0 and vertex.max() < len(vertices)):
        raise InputError(
            f"{path}: broken or truncated; a face refers to a missing vertex (the file has {len(vertices)})"
        )
    uv = _absolute(fields[1], line, lines.starting(b"vt"), others[0])
    normal = _absolute(fields[2], line, lines.starting(b"vn"), others[1])
    names, material = _materials(lines, np.flatnonzero(is_face))
    groups, group = _groups(lines, np.flatnonzero(is_face))
    whole = counts >= 3
    notes = [] if whole.all() else [f"dropped faces with fewer than 3 corners: {int((~whole).sum())}"]
    if not whole.any():
        none = np.zeros((0, 3), np.int64)
        return Corners(none, none, none, none[:, 0], (), none[:, 0], ()), notes
    kept = np.repeat(whole, counts)
    triangles, polygon = triangulate(vertices, vertex[kept], counts[whole])
    first, material = np.unique(material[whole][polygon], return_index=True)[1], material[whole][polygon]
    order = material[np.sort(first)]
    renumber = np.zeros(len(names), np.int64)
    renumber[order] = np.arange(len(order))
    vertex, uv, normal = (table[kept][triangles] for table in (vertex, uv, normal))
    own = tuple(names[k] for k in order)
    return Corners(vertex, uv, normal, renumber[material], own, group[whole][polygon], groups), notes


def _fields(text: bytearray, counts: Array, path: Path) -> tuple[Array, Array, Array]:
    """The v, vt and vn numbers of every corner as written, 0 if missing."""
    data = bytes(text)
    if b"/" in data:
        data = re.sub(rb"/(?=[/\s])", b"/0", data)
    buffer = np.frombuffer(data, np.uint8)
    blank = buffer <= _SPACE
    first = ~blank
    first[1:] &= blank[:-1]
    begins = np.flatnonzero(first)
    if not len(begins):
        return (np.zeros(0, np.int64),) * 3
    slashes = np.add.reduceat((buffer == _SLASH).astype(np.int64), begins)
    values = parse_numbers(data.replace(b"/", b" "), np.int64, len(begins) + int(slashes.sum()), str(path))
    place = np.cumsum(slashes + 1) - (slashes + 1)
    padded = np.append(values, [0, 0])
    uv = np.where(slashes >= 1, padded[place + 1], 0)
    return values[place], uv, np.where(slashes >= 2, padded[place + 2], 0)


def _absolute(numbers: Array, line: Array, defines: Array, count: int | None = None) -> Array:
    """Indices from 0: negative numbers count back from the face's line; 0 and out-of-range ones become -1.

    Without `count`, the caller must check the range.
    """
    absolute = numbers - 1
    negative = numbers < 0
    if negative.any():
        seen = np.cumsum(defines)
        absolute[negative] = seen[line[negative]] + numbers[negative]
        absolute[negative & (absolute < 0)] = -1
    if count is not None:
        absolute[(absolute < 0) | (absolute >= count)] = -1
    return absolute


def _materials(lines: Lines, face_lines: Array) -> tuple[list[str], Array]:
    """All material names, "" first, and the index for each face line."""
    switches = np.flatnonzero(lines.starting(b"usemtl"))
    names = {"": 0}
    chosen = [0]
    for number in switches:
        name = lines.text(int(number))[len("usemtl") :].strip()
        chosen.append(names.setdefault(name, len(names)))
    return list(names), np.asarray(chosen)[np.searchsorted(switches, face_lines)]


def _groups(lines: Lines, face_lines: Array) -> tuple[tuple[tuple[str, ...], ...], Array]:
    """The combinations of object and groups, and the index, int32, for each face line; none if the file names none."""
    is_object = lines.starting(b"o")
    switches = np.flatnonzero(is_object | lines.starting(b"g"))
    if not len(switches):
        return (), np.zeros(len(face_lines), np.int32)
    known: dict[tuple[str, ...], int] = {(): 0}
    chosen = [0]
    name: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    for number in switches:
        words = lines.text(int(number))[1:].strip()
        if is_object[number]:
            name, groups = ((words,) if words else ()), ()
        else:
            groups = tuple(words.split())
        chosen.append(known.setdefault(tuple(dict.fromkeys(name + groups)), len(known)))
    return tuple(known), np.asarray(chosen, np.int32)[np.searchsorted(switches, face_lines)]
