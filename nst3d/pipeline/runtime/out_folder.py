"""The folder that a job writes to."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from nst3d.errors import InputError, OutputError
from nst3d.files import is_temporary, sweep

STARTS_OVER = "the earlier run was stopped before its first checkpoint: starting over"
"""Note for a run that is to be resumed where there is nothing to resume from."""


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
        sweep(folder)
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


def resumable(checkpoint: Path, begun: Path, finished: Path) -> bool:
    """Whether an earlier run left a checkpoint; False if it was stopped before its first, and starts over.

    A run writes `begun` at its start and `finished` at its end. Raises InputError if it is finished, or never began.
    """
    if checkpoint.is_file():
        return True
    try:
        started = begun.is_file() and not (
            finished.is_file() and finished.stat().st_mtime_ns >= begun.stat().st_mtime_ns
        )
        # It may have been stopped even before, while the scene was read.
        empty = checkpoint.parent.is_dir() and all(is_temporary(p) for p in checkpoint.parent.iterdir())
    except OSError:
        started = empty = False
    if started or empty:
        return False
    raise InputError(f"{checkpoint}: no such file, so there is nothing to resume; leave out `resume`")
