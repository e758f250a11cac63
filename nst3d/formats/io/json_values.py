"""Checked access to the values of a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import InputError, cut, shown
from nst3d.formats.io.files import read_bytes
from nst3d.limits import claim
from nst3d.tensors import Array

_VALUE = 80
"""Bytes that a value of a JSON text takes in Python, about."""


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises InputError if the file is missing, not JSON, or not an object."""
    data = read_bytes(path)
    claim_json(data, str(path))
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file ({cut(str(error))})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}, expected an object")
    return content


def claim_json(text: bytes, what: str) -> None:
    """Ask for the memory that the values of a JSON text take, at most. Raises TooLargeError, naming `what`."""
    claim(_VALUE * sum(text.count(mark) for mark in (b",", b"[", b"{", b":")), what)


def frames_of(content: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """The frames of a transforms.json. Raises InputError if there are none, or they are not objects."""
    frames = content.get("frames")
    if not isinstance(frames, list) or not all(isinstance(f, dict) for f in frames):
        raise InputError(f"{path}: has no list of frames, expected a capture's transforms.json")
    if not frames:
        raise InputError(f"{path}: its list of frames is empty")
    return frames


def number(scopes: Sequence[dict[str, Any]], key: str, path: Path) -> float | None:
    """A finite number by name, from the first object that has it, or None.

    Raises InputError for any other value of that name.
    """
    for scope in scopes:
        if scope.get(key) is None:
            continue
        value = scope[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise InputError(f"{path}: {key} is {shown(value)}, expected a finite number")
        return float(value)
    return None


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


def matrix(frame: dict[str, Any], name: str, path: Path) -> Array:
    """The pose (4, 4) of a frame. Raises InputError if it is missing or has another shape."""
    try:
        values = np.array(frame["transform_matrix"], np.float64)
    except KeyError:
        raise InputError(f"{path}: the frame {name} has no transform_matrix") from None
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{path}: the transform_matrix of {name} is not a matrix of numbers") from None
    if values.shape not in ((4, 4), (3, 4)):
        raise InputError(f"{path}: the transform_matrix of {name} has shape {values.shape}, expected 4 x 4")
    return np.vstack([values[:3], [0, 0, 0, 1]])


def names(content: dict[str, Any], key: str, path: Path) -> list[str]:
    """A list of names, empty if missing. Raises InputError if the key holds something else."""
    value = content.get(key) or []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise InputError(f"{path}: {key} is not a list of names")
    return value
