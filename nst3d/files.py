"""Writes files atomically."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from nst3d.errors import OutputError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; renamed to `path` on success, otherwise removed.

    Raises OutputError if the folder is missing or not writable, or the disk is full; an existing file of that
    name is then unchanged.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to `path` atomically. Raises OutputError like `replacing`."""
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(data)
