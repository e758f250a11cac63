"""The folder that a job writes to."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from nst3d.errors import InputError, OutputError


@contextlib.contextmanager
def claimed_folder(folder: Path, reuse: bool, records: Collection[str]) -> Iterator[None]:
    """The folder, created if missing, and removed again if an error leaves nothing but `records` in it.

    Checks that it is writable and, unless `reuse`, empty. Raises OutputError.
    """
    try:
        made = not folder.exists()
        if not made and not folder.is_dir():
            raise OutputError(f"{folder}: is a file, expected a folder to write to; give another `out`")
        if not (made or reuse) and any(folder.iterdir()):
            raise OutputError(
                f"{folder}: exists and is not empty; give `overwrite` to write into it, or another `out`"
            )
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(
            f"{folder}: the folder cannot be created or written ({error.strerror or error})"
        ) from None
    try:
        yield
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                if {p.name for p in folder.iterdir()} <= set(records):
                    for name in records:
                        (folder / name).unlink(missing_ok=True)
                folder.rmdir()
        raise


def need_checkpoint(path: Path) -> None:
    """Raise InputError if an earlier run left no checkpoint at `path`."""
    if not path.is_file():
        raise InputError(f"{path}: no such file, so there is nothing to resume; leave out `resume`")
