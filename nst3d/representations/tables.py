"""Arrays given by callers as tables of numbers, or refused in one line."""

from __future__ import annotations

from typing import Any

import numpy as np

from nst3d.errors import ConfigError
from nst3d.tensors import Array


def table_of(values: Any, name: str, columns: int, rows: int | None = None) -> Array:
    """`values` as an array (rows, columns) of finite numbers, float64; ConfigError, which says `name`, otherwise.

    `rows` None: any number of them, but at least one.
    """
    try:
        table = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{name}: expected an array of numbers") from None
    if table.ndim != 2 or table.shape[1] != columns or (rows is not None and len(table) != rows):
        wanted = "n" if rows is None else rows
        raise ConfigError(f"{name} of shape {table.shape}, expected ({wanted}, {columns})")
    if not len(table):
        raise ConfigError(f"no {name}: there is nothing to paint")
    if not np.isfinite(table).all():
        raise ConfigError(f"{name}: row {int((~np.isfinite(table)).any(1).argmax())} is not finite")
    return table


def triangles_of(values: Any, count: int) -> Array:
    """`values` as triangles (f, 3) int32 of indices below `count`; ConfigError for any others."""
    faces = np.asarray(values)
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise ConfigError(f"faces of shape {faces.shape}, expected triangles (f, 3)")
    if not len(faces):
        raise ConfigError("no faces: there is nothing to paint")
    if not np.issubdtype(faces.dtype, np.integer):
        raise ConfigError(f"faces are {faces.dtype}, expected whole numbers")
    wrong = (faces < 0) | (faces >= count)
    if wrong.any():
        raise ConfigError(f"faces have the index {int(faces[wrong][0])}, but there are {count} vertices")
    return faces.astype(np.int32)
