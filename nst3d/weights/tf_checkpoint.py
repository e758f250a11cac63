"""Reads the tensors of TensorFlow's checkpoints, which are tables of bytes; nothing in them is executed.

A checkpoint is a file of bytes (`.data-00000-of-00001`) and one that says what lies where (`.index`): a sorted table as
LevelDB writes it, whose values are protocol buffers (BundleEntryProto).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from nst3d.errors import InputError
from nst3d.limits import claim, regular

_FOOTER = 48
_MAGIC = bytes.fromhex("57fb808b247547db")
_FLOAT = 1
"""TensorFlow's number of float32."""
_LARGEST_INDEX = 1 << 24
"""Bytes of an index, at most."""
Fields = dict[int, list[int | bytes]]


def read_checkpoint(data: Path, index: Path) -> dict[str, torch.Tensor]:
    """The float32 tensors of a checkpoint of one data file, by name.

    Raises InputError for files that cannot be read, are damaged, or are something else.
    """
    try:
        if regular(index).stat().st_size > _LARGEST_INDEX:
            raise InputError(f"{index}: is too large for the index of a checkpoint")
        table = index.read_bytes()
        if table[-8:] != _MAGIC:
            raise InputError(f"{index}: is not the index of a TensorFlow checkpoint")
        size = regular(data).stat().st_size
        claim(size, str(data))
        raw = np.fromfile(data, np.uint8)
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror or error})") from None
    try:
        return dict(_tensors(table, raw))
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise InputError(f"{index}: is damaged ({error})") from None


def _tensors(table: bytes, raw: np.ndarray) -> Iterator[tuple[str, torch.Tensor]]:
    """Names and tensors. ValueError or IndexError for an entry that cannot be."""
    footer = table[-_FOOTER:]
    _, place = _number(footer, 0)
    _, place = _number(footer, place)
    start, place = _number(footer, place)
    length, _ = _number(footer, place)
    for _, handle in _entries(table, start, length):
        first, place = _number(handle, 0)
        for name, value in _entries(table, first, _number(handle, place)[0]):
            entry = _fields(value)
            if not name or _whole(entry, 1) != _FLOAT:
                continue  # the first says what wrote the file
            shape = [_whole(_fields(axis), 1) for axis in _parts(_fields(_parts(entry, 2)[0]), 2)]
            offset, size = _whole(entry, 4), _whole(entry, 5)
            if _whole(entry, 3) or offset + size > len(raw) or size != 4 * int(np.prod(shape, dtype=object)):
                raise ValueError(f"{name.decode()} claims bytes {offset} to {offset + size} of {len(raw)}")
            values = raw[offset : offset + size].view("<f4").reshape(shape).astype(np.float32)
            yield name.decode(), torch.from_numpy(values)


def _entries(table: bytes, start: int, length: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block, whose keys share beginnings with the ones before. ValueError if it is compressed."""
    block = table[start : start + length]
    if len(block) < length or table[start + length] != 0:
        raise ValueError("a part is cut off or compressed")
    restarts = int.from_bytes(block[-4:], "little")
    end, place, key = length - 4 - 4 * restarts, 0, b""
    while place < end:
        shared, place = _number(block, place)
        own, place = _number(block, place)
        size, place = _number(block, place)
        key = key[:shared] + block[place : place + own]
        yield key, block[place + own : place + own + size]
        place += own + size


def _fields(message: bytes) -> Fields:
    """The values of a protocol buffer by the numbers of their fields."""
    found: Fields = {}
    place = 0
    while place < len(message):
        tag, place = _number(message, place)
        value: int | bytes
        if tag & 7 == 0:
            value, place = _number(message, place)
        elif tag & 7 == 2:
            size, place = _number(message, place)
            value, place = message[place : place + size], place + size
        elif tag & 7 == 5:
            value, place = message[place : place + 4], place + 4
        else:
            raise ValueError(f"field {tag >> 3} is of an unknown sort")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _whole(fields: Fields, number: int) -> int:
    """A field's whole number; 0 without the field, as protocol buffers leave it out."""
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ValueError(f"field {number} is no number")
    return value


def _parts(fields: Fields, number: int) -> list[bytes]:
    """A field's messages, however many there are."""
    return [value for value in fields.get(number, []) if isinstance(value, bytes)]


def _number(data: bytes, place: int) -> tuple[int, int]:
    """The number at a place, seven bits a byte, and the place after it. IndexError beyond the end."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("a number does not end")
