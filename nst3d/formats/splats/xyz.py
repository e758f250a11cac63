"""XYZ: one point per line, coordinates first; the meaning of other columns is inferred from their values."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.files import read_bytes
from nst3d.formats.io.textscan import parse_numbers, tokens_per_line
from nst3d.tensors import Array

_COMMENT = re.compile(rb"^[ ]*(?:#|//)[^\n]*", re.MULTILINE)
_TITLE = re.compile(rb"\A\s*[A-DF-Za-df-z\"][^\n]*\n")
"""Matches a header line of names; a number can only start with a digit, a sign or a point."""
_NORMAL, _COLOUR = ("nx", "ny", "nz"), ("red", "green", "blue")


def read_xyz(path: Path) -> dict[str, Array]:
    """The columns (n,) of a text file: x y z, then any of intensity, colours and normals, in any order.

    Three columns of unit vectors are normals, three others colours: integers up to 255, or fractions of 1.
    Spaces, commas and semicolons separate numbers; comments (# or //), a header line and a line with the
    point count are skipped. Raises InputError for lines that differ in length or are not numeric.
    """
    text = read_bytes(path).replace(b"\r\n", b"\n").replace(b"\r", b"\n").translate(_BLANKS)
    text = _TITLE.sub(b"", _COMMENT.sub(b"", text), count=1) + b"\n"
    widths = tokens_per_line(text)
    used = np.flatnonzero(widths)
    if len(used) > 1 and widths[used[0]] == 1 and widths[used[1]] > 1:  # the number of points
        text = b"\n".join(text.split(b"\n")[used[0] + 1 :])
        used = used[1:]
    if not len(used):
        raise InputError(f"{path}: holds no points")
    lengths = np.unique(widths[used])
    if len(lengths) != 1 or lengths[0] < 3:
        found = ", ".join(map(str, lengths[:6]))
        raise InputError(
            f"{path}: its lines have {found} numbers; expected the same count on each, x y z and more"
        )
    width = int(lengths[0])
    table = parse_numbers(text, np.float64, len(used) * width, str(path)).reshape(-1, width)
    return _named(table)


_BLANKS = bytes.maketrans(b"\t,;", b"   ")


def _named(table: Array) -> dict[str, Array]:
    columns: dict[str, Array] = dict(zip("xyz", table.T))
    at = 3
    while at < table.shape[1]:
        three = table[:, at : at + 3]
        if three.shape[1] == 3 and "nx" not in columns and _unit_length(three):
            columns |= dict(zip(_NORMAL, three.T.astype(np.float32)))
        elif three.shape[1] == 3 and "red" not in columns and _shades(three):
            whole = bool((three == np.round(three)).all()) and three.max() > 1
            columns |= dict(zip(_COLOUR, three.T.astype(np.uint8 if whole else np.float32)))
        else:
            columns[f"scalar_{at - 3}"] = table[:, at]
            at -= 2
        at += 3
    return columns


def _unit_length(values: Array) -> bool:
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(values, axis=1)
        near = np.abs(lengths - 1) < 0.02
        return bool(near.mean() > 0.9 and (near | (lengths == 0) | ~np.isfinite(lengths)).all())


def _shades(values: Array) -> bool:
    return bool((values >= 0).all() and (values <= 255).all())
