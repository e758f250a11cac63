"""Validation of numbers, directions and matrices in camera path files."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import InputError, shown
from nst3d.tensors import Array, ImageSize

_MOST_KEYS = 200_000
_WIDEST = 170.0


_FARTHEST = 1e15


def pose_of(value: Any, where: str) -> Array:
    """A camera-to-world matrix with a true rotation; InputError for anything else."""
    try:
        matrix: Array = np.array(value, np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        matrix = np.empty(0)
    if matrix.size not in (12, 16):
        raise InputError(f"{where}: expected 16 numbers (or 12), row by row")
    if not (np.abs(matrix) < _FARTHEST).all():
        raise InputError(f"{where}: holds numbers that are not finite, or absurdly large")
    matrix = matrix.reshape(-1, 4)
    if len(matrix) == 4:
        if np.allclose(matrix[:3, 3], 0) and not np.allclose(matrix[3, :3], 0):
            matrix = matrix.T  # column-major, as in three.js
        if not np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-4):
            raise InputError(f"{where}: its last row is not 0 0 0 1")
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if not lengths.min() > 1e-12:
        raise InputError(f"{where}: its axes are zero")
    rotation = matrix[:3, :3] / lengths
    if np.abs(rotation.T @ rotation - np.eye(3)).max() > 1e-2:
        raise InputError(f"{where}: its axes are not at right angles")
    if np.linalg.det(rotation) < 0:
        raise InputError(f"{where}: its axes are left-handed, a mirrored camera")
    pose = np.eye(4)
    left, _, right = np.linalg.svd(rotation)
    pose[:3, :3], pose[:3, 3] = left @ right, matrix[:3, 3]
    return pose


def check_names(values: dict[str, Any], names: tuple[str, ...], where: str) -> None:
    """Raise InputError for unknown names in a mapping."""
    for name in values:
        if name not in names:
            raise InputError(f"{where}: {shown(name)} is not known; known are {', '.join(names)}")


def keys_of(values: dict[str, Any], name: str, path: Path) -> list[Any]:
    """The list `name` of keyframes; InputError if it is missing or empty."""
    found = values.get(name)
    if not isinstance(found, list) and found is not None:
        raise InputError(f"{path}: {name} is {shown(found)}, expected a list")
    if not found:
        raise InputError(f"{path}: has no keyframes; expected at least one")
    if len(found) > _MOST_KEYS:
        raise InputError(f"{path}: has {len(found)} keyframes; at most {_MOST_KEYS} are allowed")
    return found


def angle(values: dict[str, Any], where: str, name: str = "field_of_view") -> float | None:
    """An angle given in degrees, as radians, or None if missing."""
    degrees = number(values, name, where, 0.1, _WIDEST)
    return None if degrees is None else math.radians(degrees)


def number(values: Any, name: str, where: str, low: float, high: float) -> float | None:
    """A number between `low` and `high`, or None if missing."""
    value = values.get(name) if isinstance(values, dict) else None
    if value is None:
        return None
    return _converted(value, f"{where}: {name}", low, high)


def whole_number(values: dict[str, Any], name: str, path: Path) -> int | None:
    """A positive whole number, or None if missing."""
    value = values.get(name)
    return None if value is None else round(_converted(value, f"{path}: {name}", 1, 1e6))


def _converted(value: Any, where: str, low: float, high: float) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{where} is {shown(value)}, expected a number") from None
    if not low <= number <= high:
        raise InputError(f"{where} is {number:g}, expected a number from {low:g} to {high:g}")
    return number


def flag(values: dict[str, Any], name: str, path: Path) -> bool:
    """true or false; false if missing."""
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise InputError(f"{path}: {name} is {shown(value)}, expected true or false")
    return value


def vector(value: Any, where: str) -> Array:
    """Three numbers, (3,)."""
    if not isinstance(value, list) or len(value) != 3:
        raise InputError(f"{where} is {shown(value)}, expected three numbers")
    return np.array([_converted(v, where, -1e9, 1e9) for v in value])


def size_of(value: Any, path: Path) -> ImageSize:
    """The image size from text like 1280x720, or one number."""
    match = re.fullmatch(r"(\d{1,5})(?:[xX×](\d{1,5}))?", str(value).strip())
    if match is None:
        raise InputError(f"{path}: size is {shown(value)}, expected width and height like 1280x720")
    return ImageSize(int(match[2] or match[1]), int(match[1]))
