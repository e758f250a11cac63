"""PLY files as stored on disk: header and tables byte for byte, so that unpainted data stays unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.files import read_bytes
from nst3d.formats.io.textscan import decode, parse_numbers
from nst3d.limits import regular
from nst3d.tensors import Array

_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2"},
    **{"int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8"},
    **{"int64": "i8", "uint64": "u8", "bool": "u1"},  # not in the standard, but written
}
_ORDERS = {b"binary_little_endian": "<", b"binary_big_endian": ">", b"ascii": "<"}
_FORMAT = re.compile(rb"^format[ \t]+(\w+)", re.MULTILINE)
_HEADER_END = re.compile(rb"^end_header[ \t]*\r?\n", re.MULTILINE)
_LONGEST_HEADER = 1 << 18
_UP = re.compile(rb"^comment (?:up|vertical axis:)[ \t]+(-?[xyz])[ \t\r]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Tables:
    """A PLY file in parts."""

    header: bytes
    """The whole header, including end_header and its newline."""
    tables: dict[str, Array]
    """Structured arrays, one per element, in the file's order and byte order."""
    tail: bytes = b""
    """The bytes after the last table that could be read."""

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        return b"".join([self.header, *(t.tobytes() for t in self.tables.values()), self.tail])


def read_header(path: Path) -> bytes:
    """A PLY file's header; empty if the file is not a PLY or cannot be read."""
    try:
        with regular(path).open("rb") as file:
            start = file.read(_LONGEST_HEADER)
    except OSError:
        return b""
    end = _HEADER_END.search(start)
    return start[: end.end()] if end and start.startswith((b"ply\n", b"ply\r\n")) else b""


def elements_of(header: bytes) -> dict[str, tuple[int, list[tuple[str, str]]]]:
    """The count and properties (name, declared type, "list" for lists) of each element, by name.

    Raises ValueError, KeyError or IndexError for a malformed line.
    """
    elements: dict[str, tuple[int, list[tuple[str, str]]]] = {}
    for line in decode(header).splitlines():
        words = line.split()
        if words[:1] == ["element"]:
            elements[words[1]] = (int(words[2]), [])
        elif words[:1] == ["property"]:
            properties = next(reversed(elements.values()))[1]
            properties.append((words[-1], "list" if words[1] == "list" else _TYPES[words[1]]))
    if any(count < 0 for count, _ in elements.values()):
        raise ValueError
    return elements


def up_of(header: bytes) -> str | None:
    """The axis that a comment names as up (ours: "up z", nerfstudio's: "Vertical Axis: z"), or None."""
    told = _UP.search(header)
    return None if told is None else told[1].decode().lower()


def properties_of(header: bytes, element: str = "vertex") -> set[str]:
    """The names of an element's properties; empty if the header cannot be read."""
    try:
        return {name for name, _ in elements_of(header).get(element, (0, []))[1]}
    except (ValueError, KeyError, IndexError, StopIteration):
        return set()


def read_tables(path: Path) -> Tables:
    """All tables of a PLY file before the first with a list. ASCII becomes little-endian binary.

    Raises InputError if the file is not a PLY, its header is broken, or the file is shorter than declared.
    """
    data = read_bytes(path)
    end = _HEADER_END.search(data, 0, _LONGEST_HEADER)
    order = _FORMAT.search(data, 0, end.start()) if end else None
    if end is None or not data.startswith(b"ply") or order is None or order[1] not in _ORDERS:
        raise InputError(f"{path}: not a PLY file, or its header is broken or truncated")
    header, at = data[: end.end()], end.end()
    try:
        elements = elements_of(header)
        kinds = {
            n: np.dtype([(p, _ORDERS[order[1]] + t) for p, t in ps if t != "list"])
            for n, (_, ps) in elements.items()
        }
    except (ValueError, KeyError, IndexError, StopIteration):
        raise InputError(f"{path}: the PLY header has a line that cannot be read") from None
    if order[1] == b"ascii":
        return _from_text(header, data[at:], elements, kinds, path)
    tables = {}
    for name, (count, properties) in elements.items():
        if any(t == "list" for _, t in properties):
            break
        size = count * kinds[name].itemsize
        if size > len(data) - at:
            raise _cut_short(path, count, name)
        tables[name] = np.frombuffer(data, kinds[name], count, at) if size else np.zeros(count, kinds[name])
        at += size
    return Tables(header, tables, data[at:])


def _from_text(
    header: bytes,
    text: bytes,
    elements: dict[str, tuple[int, list[tuple[str, str]]]],
    kinds: dict[str, np.dtype],
    path: Path,
) -> Tables:
    if any(count and t == "list" for count, properties in elements.values() for _, t in properties):
        raise InputError(f"{path}: an ASCII PLY with lists, which splats do not have; save it as binary")
    wanted = sum(count * len(properties) for count, properties in elements.values())
    if 2 * wanted > len(text) + 1:
        name, (count, _) = next(iter(elements.items()))
        raise _cut_short(path, count, name)
    numbers = parse_numbers(text, np.float64, wanted, str(path)) if wanted else np.zeros(0)
    tables, at = {}, 0
    for name, (count, properties) in elements.items():
        block = numbers[at : at + count * len(properties)].reshape(count, len(properties))
        tables[name] = np.zeros(count, kinds[name])
        with np.errstate(over="ignore", invalid="ignore"):
            for column, (prop, _) in zip(block.T, properties if count else ()):
                tables[name][prop] = column
        at += block.size
    return Tables(_FORMAT.sub(b"format binary_little_endian", header, count=1), tables)


def _cut_short(path: Path, count: int, name: str) -> InputError:
    return InputError(f"{path}: truncated: its header declares {count} {name} entries")
