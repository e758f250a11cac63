"""Digests of what a result is computed from: values, and the code that computes."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import nst3d

_COMPUTING = ("numpy", "torch", "numba", "embreex", "scipy", "gsplat", "pytorch3d")
"""Packages whose versions may change the bits of a result."""


def code_digest() -> bytes:
    """Identifies this machine's kind, the packages that compute, and nst3d's own code."""
    digest = hashlib.sha256(f"{platform.machine()} {platform.python_version()}".encode())
    for name in _COMPUTING:
        try:
            digest.update(f"{name} {importlib.metadata.version(name)}".encode())
        except importlib.metadata.PackageNotFoundError:
            continue
    root = Path(nst3d.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.digest()


def add_value(digest: hashlib._Hash, value: Any) -> None:
    """Add a value and everything in it: numbers, text, arrays, dataclasses, and sequences and mappings of them.

    TypeError for a value of another type, whose identity is not known.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str | bytes):
        digest.update(f"{type(value).__name__} {value!r};".encode())
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        digest.update(f"array {value.dtype.str} {value.shape};".encode())
        digest.update(np.ascontiguousarray(value).data)
    elif isinstance(value, Mapping):
        add_value(digest, sorted(value.items()))
    elif isinstance(value, tuple | list | frozenset):
        items = sorted(value) if isinstance(value, frozenset) else value
        digest.update(f"{len(items)} of;".encode())
        for item in items:
            add_value(digest, item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        digest.update(f"{type(value).__qualname__};".encode())
        for field in dataclasses.fields(value):
            digest.update(f"{field.name}=".encode())
            add_value(digest, getattr(value, field.name))
    else:
        raise TypeError(f"{type(value).__name__} has no identity")
