"""Changes to the bytes of a file such as damage, carelessness or malice make."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import struct
import zipfile
from typing import Any

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_TEXTS = (b"0", b"-1", b"1e400", b"nan", b"-inf", b"4294967295", b"1" * 401, b"x", b"", b"2147483648", b"0.5")
_WORDS = tuple(
    bytes.fromhex(h) for h in ("00000000", "ffffffff", "ffffff7f", "00000080", "0000c07f", "0000807f")
)
_VALUES: tuple[Any, ...] = (
    None,
    -1,
    2**40,
    int("1" * 401),
    1e308,
    "",
    "x" * 5000,
    [],
    {},
    [[]],
    True,
    0,
    1.5,
)


def mutated(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """The bytes with one to three changes; `other` is another file, from which a piece may come."""
    if data[:2] == b"PK" and chance.random() < 0.7:
        return _inside(data, chance, other)
    if data[:2] == b"\x1f\x8b" and chance.random() < 0.7:
        return gzip.compress(mutated(gzip.decompress(data), chance, other), mtime=0)
    if data[:4] == b"glTF" and chance.random() < 0.7:
        return _with_other_json(data, chance)
    if data[:1] == b"{" and chance.random() < 0.6:
        return _restructured(data, chance)
    for _ in range(chance.randint(1, 3)):
        data = chance.choice((_cut, _flipped, _renumbered, _renumbered, _overwritten, _spliced))(
            data, chance, other
        )
    return data


def _cut(data: bytes, chance: random.Random, other: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _flipped(data: bytes, chance: random.Random, other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(min(chance.randint(1, 8), len(data))):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _renumbered(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """Another number in a text; of the same length half of the time, so that what counts bytes still fits."""
    found = [m.span() for m in _NUMBER.finditer(data)]
    if not found:
        return _overwritten(data, chance, other)
    start, end = chance.choice(found)
    text = chance.choice(_TEXTS)
    if chance.random() < 0.5:
        text = bytes(chance.choice(b"0123456789") for _ in range(end - start))
    return data[:start] + text + data[end:]


def _overwritten(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """An extreme number over four bytes; nearer to the start, where headers are, half of the time."""
    if len(data) < 4:
        return data
    at = chance.randrange(min(len(data), 256 if chance.random() < 0.5 else len(data)) - 3)
    return data[:at] + chance.choice(_WORDS) + data[at + 4 :]


def _spliced(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """A piece of this or another file in place of some bytes, or none of them."""
    source = chance.choice((data, other))
    start, at = chance.randrange(len(source) + 1), chance.randrange(len(data) + 1)
    return (
        data[:at] + source[start : start + chance.choice((0, 1, 16, 400))] + data[at + chance.randrange(40) :]
    )


def _inside(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """A ZIP archive with a valid checksum over a member that is mutated, missing, or there twice."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(i.filename, archive.read(i)) for i in archive.infolist()]
    at = chance.randrange(len(members))
    name, content = members[at]
    kind = chance.random()
    members[at : at + 1] = (
        []
        if kind < 0.1
        else [(name, content)] * 2
        if kind < 0.15
        else [(name, mutated(content, chance, other))]
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in dict(members).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _with_other_json(data: bytes, chance: random.Random) -> bytes:
    """A GLB whose JSON is changed, with chunks of the right length."""
    size = int.from_bytes(data[12:16], "little")
    text = _restructured(data[20 : 20 + size], chance)
    text += b" " * (-len(text) % 4)
    rest = data[20 + size :]
    head = struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A)
    return head + text + rest


def _restructured(data: bytes, chance: random.Random) -> bytes:
    """JSON in which a value anywhere is another one, or missing."""
    content = json.loads(data)
    holders: list[Any] = []
    stack = [content]
    while stack:
        node = stack.pop()
        if isinstance(node, dict | list) and node:
            holders.append(node)
            stack += node.values() if isinstance(node, dict) else node
    holder = chance.choice(holders)
    key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    if chance.random() < 0.2:
        del holder[key]
    else:
        holder[key] = chance.choice(_VALUES)
    return json.dumps(content).encode()
