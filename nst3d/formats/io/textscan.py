"""Parses numbers from line-structured text, a whole file at a time.

`numpy.fromstring` parses correctly rounded float64 at some ten million numbers per second; this module
adds selecting lines, counting the numbers on each, and quoting the line that is malformed.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np

from nst3d.errors import InputError
from nst3d.tensors import Array

_SPACE, _NEWLINE = 32, 10


@dataclass(frozen=True)
class Lines:
    """A text as bytes, with the start and end of each line (newline included)."""

    buffer: Array
    starts: Array
    ends: Array

    def text(self, number: int) -> str:
        """One line, decoded."""
        return decode(self.buffer[self.starts[number] : self.ends[number]].tobytes()).strip()

    def starting(self, keyword: bytes) -> Array:
        """Whether each line starts with a keyword, followed by a space or nothing, (lines,) bool."""
        at = np.minimum(self.starts + len(keyword), len(self.buffer) - 1)
        found = self.buffer[at] <= _SPACE
        for k, byte in enumerate(keyword):
            found &= self.buffer[np.minimum(self.starts + k, len(self.buffer) - 1)] == byte
        return found


def decode(data: bytes) -> str:
    """The text, decoded as UTF-8 or otherwise as Latin-1."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def split_lines(data: bytes) -> Lines:
    """The lines of a text: tabs become spaces, newlines uniform, continued lines one; indents are removed."""
    data = (
        data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\t", b" ")
    )
    data = re.sub(rb"\\ *\n", b" ", data) if b"\\" in data else data
    data = re.sub(rb"\n +", b"\n", data) if b"\n " in data else data
    data = data.lstrip(b" ") + b"\n"
    buffer = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(buffer == _NEWLINE) + 1
    return Lines(buffer, np.concatenate([[0], ends[:-1]]), ends)


def select(lines: Lines, mask: Array, skip: int = 0) -> bytearray:
    """The text of the masked lines, their first `skip` bytes and trailing comments blanked."""
    lengths = lines.ends - lines.starts
    chosen = bytearray(lines.buffer[np.repeat(mask, lengths)].tobytes())
    buffer = np.frombuffer(chosen, np.uint8)
    starts = np.cumsum(lengths[mask]) - lengths[mask]
    for k in range(skip):
        buffer[starts + k] = _SPACE
    if b"#" in chosen:
        del buffer
        chosen = bytearray(re.sub(rb"#[^\n]*", b"", bytes(chosen)))
    return chosen


def tokens_per_line(text: bytes | bytearray) -> Array:
    """How many blank-separated tokens each line has, (lines,) int64."""
    buffer = np.frombuffer(text, np.uint8)
    blank = buffer <= _SPACE
    first = ~blank
    first[1:] &= blank[:-1]
    ends = np.flatnonzero(buffer == _NEWLINE)
    return np.diff(np.searchsorted(np.flatnonzero(first), ends), prepend=0)


def parse_numbers(text: bytes | bytearray, dtype: type, expected: int, where: str) -> Array:
    """All numbers of a text, (expected,). Raises InputError that quotes the first malformed line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            values: Array = np.fromstring(bytes(text), dtype=dtype, sep=" ")
        except ValueError:
            values = np.empty(0, dtype)
    if len(values) != expected:
        raise InputError(f"{where}: broken or truncated; expected numbers, found {_offender(text, dtype)!r}")
    return values


def _offender(text: bytes | bytearray, dtype: type) -> str:
    for line in bytes(text).splitlines():
        try:
            np.array(line.split()).astype(dtype)
        except (ValueError, OverflowError):
            return decode(line).strip()[:60]
    return "the end of the file"
