"""Reads the JSON files of an evaluation, which are small and hold values by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nst3d.errors import InputError, cut
from nst3d.formats.io.files import read_bytes
from nst3d.limits import regular

_MOST = 16 * 2**20
"""Bytes of a file, which has a few thousand as a rule."""


def read_mapping(path: Path, expected: str) -> Mapping[str, Any]:
    """The values by name in a file.

    InputError, which says what was `expected`, for a file that is missing, larger than 16 MiB, or nothing such.
    """
    if path.exists() and regular(path).stat().st_size > _MOST:
        raise InputError(f"{path}: expected {expected}, and it is larger than {_MOST // 2**20} MiB")
    try:
        found = json.loads(read_bytes(path).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected {expected}, found no valid JSON ({cut(str(error))})") from None
    if not isinstance(found, Mapping):
        raise InputError(f"{path}: expected {expected}, found {type(found).__name__}")
    return found
