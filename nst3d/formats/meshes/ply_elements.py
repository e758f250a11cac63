"""The tables in a PLY file, ASCII or binary, whatever their properties.

Source: the PLY polygon file format, Turk, 1994.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nst3d.errors import InputError, shown
from nst3d.formats.io.textscan import decode, parse_numbers, tokens_per_line
from nst3d.tensors import Array

_TYPES = {
    "char": "i1",
    "uchar": "u1",
    "short": "i2",
    "ushort": "u2",
    "int": "i4",
    "uint": "u4",
    "float": "f4",
    "double": "f8",
} | {f"{n}{b}": f"{n[0]}{b // 8}" for n in ("int", "uint") for b in (8, 16, 32, 64)}
_TYPES |= {"float32": "f4", "float64": "f8", "bool": "u1"}  # the last as PyntCloud writes it
_ORDER = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "<"}


@dataclass(frozen=True)
class Ragged:
    """A list property: row i holds the next counts[i] entries of `values`."""

    counts: Array
    values: Array


@dataclass(frozen=True)
class _Property:
    name: str
    kind: str
    count_kind: str | None


@dataclass
class _Element:
    name: str
    length: int
    properties: list[_Property] = field(default_factory=list)


@dataclass(frozen=True)
class PlyFile:
    """All elements: name to property name to column, an array (n,) or a `Ragged`."""

    elements: dict[str, dict[str, Array | Ragged]]
    comments: tuple[str, ...]
    kinds: dict[tuple[str, str], str]
    """The type as declared, such as "u1" or "f4", of each (element, property)."""


def read_ply(data: bytes, path: Path) -> PlyFile:
    """All tables in a PLY file's bytes. Raises InputError if it is not a PLY, broken, or truncated."""
    header, begin = _header(data, path)
    order, elements, comments = _parse_header(header, path)
    declared = {(e.name, p.name): p.kind for e in elements for p in e.properties}
    body = data[begin:]
    if order == "ascii":
        # From here on, text is a binary file in which every number, including list lengths, is a double.
        text = body + b"\n"
        body = parse_numbers(text, np.float64, int(tokens_per_line(text).sum()), str(path)).tobytes()
        for element in elements:
            element.properties = [_Property(p.name, "f8", p.count_kind and "f8") for p in element.properties]
    tables, position = {}, 0
    for element in elements:
        tables[element.name], position = _read_element(body, position, element, _ORDER[order], path)
    return PlyFile(tables, comments, declared)


def _header(data: bytes, path: Path) -> tuple[list[str], int]:
    end = data.find(b"end_header")
    if not data.startswith(b"ply") or end < 0:
        raise InputError(f"{path}: not a PLY file, or its header is truncated")
    begin = end + len(b"end_header")
    while data[begin : begin + 1] in (b" ", b"\t"):
        begin += 1
    begin += 2 if data[begin : begin + 2] == b"\r\n" else 1
    return decode(data[:end]).splitlines(), begin


def _parse_header(lines: list[str], path: Path) -> tuple[str, list[_Element], tuple[str, ...]]:
    order, comments = "", []
    elements: list[_Element] = []
    try:
        for line in lines[1:]:
            words = line.split()
            keyword = words[0] if words else ""
            if keyword == "format":
                order = words[1]
            elif keyword == "comment":
                comments.append(line.split(None, 1)[-1].strip())
            elif keyword == "element":
                elements.append(_Element(words[1], int(words[2])))
            elif keyword == "property" and words[1] == "list":
                elements[-1].properties.append(_Property(words[4], _TYPES[words[3]], _TYPES[words[2]]))
            elif keyword == "property":
                elements[-1].properties.append(_Property(words[2], _TYPES[words[1]], None))
    except (IndexError, KeyError, ValueError):
        raise InputError(
            f"{path}: the PLY header has a line that cannot be read: {line.strip()[:60]!r}"
        ) from None
    if order not in _ORDER:
        raise InputError(f"{path}: the PLY header is broken (format {shown(order)})")
    if negative := [e for e in elements if e.length < 0]:
        raise InputError(f"{path}: its header declares {negative[0].length} {negative[0].name} entries")
    return order, elements, tuple(comments)


def _read_element(
    body: bytes, position: int, element: _Element, order: str, path: Path
) -> tuple[dict[str, Array | Ragged], int]:
    """The columns of one element that starts at `position`, and the start of the next one."""
    smallest = sum(np.dtype(p.count_kind or p.kind).itemsize for p in element.properties)
    if element.length * smallest > len(body) - position:
        raise _truncated(path, element)
    if not element.length or not element.properties:
        return {p.name: np.zeros(0) for p in element.properties if p.count_kind is None}, position
    first, _ = _row(body, position, element, order, path)
    fields: list[tuple] = []
    for k, prop in enumerate(element.properties):
        if prop.count_kind is None:
            fields.append((f"v{k}", order + prop.kind))
        else:
            fields += [(f"n{k}", order + prop.count_kind), (f"v{k}", order + prop.kind, (len(first[k]),))]
    kind = np.dtype(fields)
    end = position + element.length * kind.itemsize
    if end <= len(body):
        table = np.frombuffer(body, kind, element.length, position)
        lists = [k for k, p in enumerate(element.properties) if p.count_kind is not None]
        if all((table[f"n{k}"] == len(first[k])).all() for k in lists):
            columns: dict[str, Array | Ragged] = {}
            for k, prop in enumerate(element.properties):
                counts = np.full(element.length, len(first[k]))
                columns[prop.name] = Ragged(counts, table[f"v{k}"].ravel()) if k in lists else table[f"v{k}"]
            return columns, end
    return _read_ragged(body, position, element, order, path)


def _read_ragged(
    body: bytes, position: int, element: _Element, order: str, path: Path
) -> tuple[dict[str, Array | Ragged], int]:
    """The same, row by row, for lists of differing lengths."""
    rows = []
    for _ in range(element.length):
        row, position = _row(body, position, element, order, path)
        rows.append(row)
    columns: dict[str, Array | Ragged] = {}
    for prop, values in zip(element.properties, zip(*rows)):
        joined = np.concatenate(values)
        counts = np.fromiter(map(len, values), np.int64, len(values))
        columns[prop.name] = joined if prop.count_kind is None else Ragged(counts, joined)
    return columns, position


def _row(body: bytes, position: int, element: _Element, order: str, path: Path) -> tuple[list[Array], int]:
    """One row, as an array per property."""
    row = []
    try:
        for prop in element.properties:
            count = 1
            if prop.count_kind is not None:
                count = int(np.frombuffer(body, order + prop.count_kind, 1, position)[0])
                position += np.dtype(prop.count_kind).itemsize
            size = np.dtype(prop.kind).itemsize * count
            if count < 0 or position + size > len(body):
                raise ValueError
            row.append(
                np.frombuffer(body, order + prop.kind, count, position) if count else np.zeros(0, prop.kind)
            )
            position += size
    except (ValueError, OverflowError):
        raise _truncated(path, element) from None
    return row, position


def _truncated(path: Path, element: _Element) -> InputError:
    return InputError(
        f"{path}: truncated or broken; it does not contain the {element.length} {element.name} entries"
    )
