"""PCD, the Point Cloud Library's own format, version 0.7: ASCII, binary and LZF-compressed.

Sources: PCL's documentation of the PCD file format; Lehmann's LZF, a stream of literals and back references.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.files import read_bytes
from nst3d.formats.io.textscan import decode, parse_numbers
from nst3d.kernels import kernel
from nst3d.limits import claim
from nst3d.tensors import Array

_LONGEST_HEADER = 1 << 16
_DENSEST = 264
"""Most bytes that one byte of LZF can expand to."""
_MOST, _WIDEST = 2**40, 4096
"""Points, and values of one point, above which a header is taken for broken."""
_KINDS = {"F": "f", "I": "i", "U": "u"}
_NAMES = {"normal_x": "nx", "normal_y": "ny", "normal_z": "nz"}


@dataclass(frozen=True)
class _Header:
    fields: list[tuple[str, str, int]]
    """Name, NumPy type and number of values."""
    points: int
    data: str
    """ascii, binary or binary_compressed."""

    @property
    def row(self) -> np.dtype:
        return np.dtype([(f"{k}", kind, (count,)) for k, (_, kind, count) in enumerate(self.fields)])


def read_pcd(path: Path) -> dict[str, Array]:
    """All columns (n,) of a PCD file, with colour split into red, green, blue, and normals as nx, ny, nz.

    Fields of several values become name_0, name_1 and so on; those named _ are padding. Raises InputError for a
    file that is broken or shorter than its header declares.
    """
    data = read_bytes(path)
    header, start = _header(data, path)
    if not header.points:
        raise InputError(f"{path}: holds no points")
    read = {"ascii": _from_text, "binary": _from_rows, "binary_compressed": _from_columns}[header.data]
    columns: dict[str, Array] = {}
    for (name, _, count), values in zip(header.fields, read(header, data, start, path)):
        if name == "_":
            continue
        if name in ("rgb", "rgba") and values.itemsize == 4 and count == 1:
            columns |= _unpacked(values[:, 0], name == "rgba")
            continue
        for k in range(count):
            columns[_NAMES.get(name, name) if count == 1 else f"{name}_{k}"] = values[:, k]
    return columns


def _header(data: bytes, path: Path) -> tuple[_Header, int]:
    words: dict[str, list[str]] = {}
    at = 0
    while "DATA" not in words:
        end = data.find(b"\n", at, _LONGEST_HEADER)
        if end < 0:
            raise InputError(f"{path}: not a PCD file, or its header is truncated")
        line = decode(data[at:end]).split("#")[0].split()
        if line:
            words[line[0].upper()] = line[1:]
        at = end + 1
    try:
        kinds = [f"<{_KINDS[t]}{int(s)}" for t, s in zip(words["TYPE"], words["SIZE"])]
        counts = [int(c) for c in words.get("COUNT", ["1"] * len(kinds))]
        points = int(words["POINTS"][0] if "POINTS" in words else words["WIDTH"][0])
        fields = list(zip(words["FIELDS"], (str(np.dtype(k).str) for k in kinds), counts))
        header = _Header(fields, points, words["DATA"][0].lower())
        whole = (
            len(words["FIELDS"]) == len(kinds) == len(counts)
            and 0 <= points < _MOST
            and min(counts) >= 1
            and sum(counts) <= _WIDEST
        )
    except (KeyError, ValueError, IndexError, TypeError, OverflowError):
        whole = False
    if not whole or header.data not in ("ascii", "binary", "binary_compressed"):
        raise InputError(f"{path}: not a PCD file, or its header is broken")
    if not {"x", "y", "z"} <= {n for n, _, c in fields if c == 1}:
        raise InputError(
            f"{path}: its points have no x, y and z; the fields are {', '.join(words['FIELDS'])}"
        )
    return header, at


def _from_text(header: _Header, data: bytes, start: int, path: Path) -> list[Array]:
    width = sum(count for _, _, count in header.fields)
    if 2 * header.points * width > len(data) - start + 1:
        raise _cut_short(path, header)
    numbers = parse_numbers(data[start:], np.float64, header.points * width, str(path))
    table, columns, at = numbers.reshape(header.points, width), [], 0
    for _, kind, count in header.fields:
        with np.errstate(over="ignore", invalid="ignore"):
            columns.append(table[:, at : at + count].astype(kind))
        at += count
    return columns


def _from_rows(header: _Header, data: bytes, start: int, path: Path) -> list[Array]:
    if header.points * header.row.itemsize > len(data) - start:
        raise _cut_short(path, header)
    rows = np.frombuffer(data, header.row, header.points, start)
    return [rows[name] for name in header.row.names or ()]


def _from_columns(header: _Header, data: bytes, start: int, path: Path) -> list[Array]:
    """The columns of compressed data, which are stored field by field."""
    if len(data) - start < 8:
        raise _cut_short(path, header)
    packed, size = (int(v) for v in np.frombuffer(data, "<u4", 2, start))
    wanted = header.points * header.row.itemsize
    if packed > len(data) - start - 8 or size != wanted or size > _DENSEST * max(packed, 1):
        raise _cut_short(path, header)
    claim(2 * size, str(path))
    plain = np.zeros(size, np.uint8)
    if size and _unpack(np.frombuffer(data, np.uint8, packed, start + 8), plain) != size:
        raise InputError(f"{path}: its compressed data is broken")
    columns, at = [], 0
    for _, kind, count in header.fields:
        length = header.points * count * np.dtype(kind).itemsize
        columns.append(plain[at : at + length].view(kind).reshape(header.points, count))
        at += length
    return columns


def _unpacked(values: Array, alpha: bool) -> dict[str, Array]:
    """Colours packed into the bits of one number per point, blue lowest."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    names = ("blue", "green", "red", "alpha") if alpha else ("blue", "green", "red")
    parts = {n: (bits >> np.uint32(8 * k) & np.uint32(255)).astype(np.uint8) for k, n in enumerate(names)}
    return {n: parts[n] for n in ("red", "green", "blue", "alpha") if n in parts}


def _cut_short(path: Path, header: _Header) -> InputError:
    return InputError(f"{path}: truncated: its header declares {header.points} points")


@kernel()
def _unpack(packed, plain):  # type: ignore[no-untyped-def]
    """Decompress LZF into `plain`; returns the number of bytes written, or −1 if the stream is broken."""
    at, out = 0, 0
    while at < len(packed):
        control = int(packed[at])
        at += 1
        if control < 32:
            count = control + 1
            if at + count > len(packed) or out + count > len(plain):
                return -1
            for _ in range(count):
                plain[out] = packed[at]
                at += 1
                out += 1
            continue
        count = control >> 5
        if count == 7:
            if at >= len(packed):
                return -1
            count += int(packed[at])
            at += 1
        if at >= len(packed):
            return -1
        back = out - ((control & 31) << 8) - int(packed[at]) - 1
        at += 1
        if back < 0 or out + count + 2 > len(plain):
            return -1
        for _ in range(count + 2):
            plain[out] = plain[back]
            back += 1
            out += 1
    return out
