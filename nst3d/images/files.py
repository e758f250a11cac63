"""Writes a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from nst3d.errors import OutputError


def write_bytes(path: Path | str, data: bytes) -> None:
    """Put `data` into `path` in one step: under a temporary name in the same folder, then renamed.

    Raises OutputError if the folder is missing or cannot be written, or the disk is full; an older file
    of that name is then still whole.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None
