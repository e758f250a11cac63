"""The container of .spz: header, streams and records, compressed as a whole or stream by stream."""

from __future__ import annotations

import gzip
import importlib
import struct
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nst3d.errors import InputError, MissingDependencyError
from nst3d.formats.io.files import read_bytes
from nst3d.formats.splats.rows import MAX_DEGREE, claim_rows, coefficients
from nst3d.limits import claim

NAMES = ("positions", "opacities", "colours", "scales", "rotations", "harmonics")
"""Names of the streams, in order."""
_MAGIC = b"NGSP"
_LEGACY = struct.Struct("<4sIIBBBx")
_HEADER = struct.Struct("<4sIIBBBBI12x")
_ENTRY = struct.Struct("<QQ")
_MOST_RECORDS = 1 << 20
_BEST_RATIO = 1100
"""Largest compression ratio: Deflate's limit is 1032 to 1, and Zstandard does not exceed it on splats."""


@dataclass(frozen=True)
class Spz:
    """A decompressed .spz file."""

    version: int
    count: int
    degree: int
    fraction_bits: int
    flags: int
    streams: dict[str, bytes]
    records: bytes = b""
    """Extension records, as stored in the file."""
    original: bytes = b""
    """The file as read."""
    packed: dict[str, bytes] = field(default_factory=dict)
    """Version 4: the compressed streams from the file, as long as they are unchanged."""
    extra: tuple[tuple[bytes, int], ...] = ()
    """Version 4: further streams, compressed, and their sizes."""

    def with_streams(self, changed: dict[str, bytes]) -> Spz:
        """A copy with other streams."""
        packed = {k: v for k, v in self.packed.items() if k not in changed}
        return replace(self, streams=self.streams | changed, packed=packed)

    def to_bytes(self) -> bytes:
        """The bytes of the file, compressed."""
        if self.version < 4:
            fields = (_MAGIC, self.version, self.count, self.degree, self.fraction_bits, self.flags)
            body = b"".join(self.streams[n] for n in NAMES)
            return gzip.compress(_LEGACY.pack(*fields) + body + self.records, 9, mtime=0)
        names = [n for n in NAMES if self.streams[n] or n in self.packed]
        parts = [
            (self.packed.get(n) or _zstd("output").compress(self.streams[n], 12), len(self.streams[n]))
            for n in names
        ]
        parts += self.extra
        table_at = _HEADER.size + len(self.records)
        fields = (_MAGIC, self.version, self.count, self.degree, self.fraction_bits, self.flags)
        table = b"".join(_ENTRY.pack(len(part), size) for part, size in parts)
        header = _HEADER.pack(*fields, len(parts), table_at)
        return b"".join([header, self.records, table, *(part for part, _ in parts)])


def stream_sizes(version: int, count: int, degree: int) -> dict[str, int]:
    """The size of each stream of a file, in bytes."""
    position = 6 if version == 1 else 9
    rotation = 3 if version < 3 else 4
    widths = (position, 1, 3, 3, rotation, 3 * coefficients(degree))
    return {n: count * w for n, w in zip(NAMES, widths)}


def read_spz_file(path: Path) -> Spz:
    """The streams of a .spz file. Raises InputError if it is truncated or contradicts its header."""
    data = read_bytes(path)
    if data.startswith(_MAGIC) and data[4:5] < b"\x04":  # an earlier version that was not packed
        return replace(_read_gzip(gzip.compress(data, 1, mtime=0), path), original=data)
    if data.startswith(_MAGIC):
        return _read_streams(data, path)
    if data.startswith(b"\x1f\x8b"):
        return _read_gzip(data, path)
    raise InputError(f"{path}: not a .spz file: it starts neither as gzip nor with NGSP")


def _checked(version: int, count: int, degree: int, packed_size: int, path: Path) -> dict[str, int]:
    """The sizes of the streams, if the header is plausible."""
    if version not in (1, 2, 3, 4):
        raise InputError(
            f"{path}: .spz version {version} is not supported, only 1 to 4; convert it to one of them, or to .ply"
        )
    if degree > 4:
        raise InputError(f"{path}: broken: its header declares harmonics of degree {degree}")
    if not count:
        raise InputError(f"{path}: holds no splats")
    sizes = stream_sizes(version, count, degree)
    if sum(sizes.values()) > _BEST_RATIO * packed_size:
        raise InputError(f"{path}: broken: its header declares {count} splats, more than the file can hold")
    claim(sum(sizes.values()), str(path))
    claim_rows(count, 1 + coefficients(min(degree, MAX_DEGREE)), path)
    return sizes


def _read_gzip(data: bytes, path: Path) -> Spz:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        start = unpacker.decompress(data, _LEGACY.size)
        if len(start) < _LEGACY.size:
            raise InputError(f"{path}: truncated")
        magic, version, count, degree, fraction_bits, flags = _LEGACY.unpack(start)
        if magic != _MAGIC:
            raise InputError(f"{path}: gzip, but not a .spz file inside")
        sizes = _checked(version, count, degree, len(data), path)
        body = unpacker.decompress(unpacker.unconsumed_tail, sum(sizes.values()) + _MOST_RECORDS)
    except zlib.error as error:
        raise InputError(f"{path}: broken or truncated (gzip: {error})") from None
    if len(body) < sum(sizes.values()) or (not unpacker.eof and not unpacker.unconsumed_tail):
        raise InputError(f"{path}: truncated: its header declares {count} splats")
    if not unpacker.eof:
        raise InputError(
            f"{path}: broken: it contains far more than the {count} splats that its header declares"
        )
    streams, at = {}, 0
    for name, size in sizes.items():
        streams[name] = body[at : at + size]
        at += size
    return Spz(version, count, degree, fraction_bits, flags, streams, body[at:], data)


def _read_streams(data: bytes, path: Path) -> Spz:
    if len(data) < _HEADER.size:
        raise InputError(f"{path}: truncated")
    _, version, count, degree, fraction_bits, flags, parts, table_at = _HEADER.unpack_from(data)
    sizes = _checked(version, count, degree, len(data), path)
    at = table_at + parts * _ENTRY.size
    if version != 4 or table_at < _HEADER.size or at > len(data) or parts < len(NAMES) - (not degree):
        raise InputError(f"{path}: broken or truncated: its table of streams is outside the file")
    names = [n for n in NAMES if sizes[n] or parts >= len(NAMES)]
    packed, extra = {}, []
    for k in range(parts):
        length, size = _ENTRY.unpack_from(data, table_at + k * _ENTRY.size)
        if length > len(data) - at:
            raise InputError(f"{path}: truncated: a stream extends beyond the end of the file")
        piece, at = data[at : at + length], at + length
        if k >= len(names):
            extra.append((piece, size))
        elif size == sizes[names[k]]:
            packed[names[k]] = piece
        else:
            raise InputError(f"{path}: broken: its {names[k]} do not fit {count} splats")
    streams = {n: _decompress(packed.get(n, b""), sizes[n], path) for n in NAMES}
    records = data[_HEADER.size : table_at]
    return Spz(version, count, degree, fraction_bits, flags, streams, records, data, packed, tuple(extra))


def _decompress(packed: bytes, size: int, path: Path) -> bytes:
    if not size:
        return b""
    zstd = _zstd(str(path))
    unpacker = zstd.ZstdDecompressor()
    try:
        data = unpacker.decompress(packed, size + 1)
    except zstd.ZstdError as error:
        raise InputError(f"{path}: broken ({error})") from None
    if len(data) != size or not unpacker.eof:
        raise InputError(f"{path}: broken: a stream does not have the {size} bytes that its table declares")
    return data


def _zstd(name: str) -> Any:
    """The package of the standard library's compression.zstd, which is built into Python 3.14."""
    try:
        return importlib.import_module("backports.zstd")
    except ImportError:
        raise MissingDependencyError(
            f"{name}: .spz version 4 needs the backports.zstd package: pip install backports.zstd"
        ) from None
