"""What the files of a command may make it read, and how much memory that may take."""

from __future__ import annotations

import contextlib
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from nst3d.errors import InputError, TooLargeError

DEFAULT_MEMORY = 4.0
"""Memory, in GiB, that the contents of a file may take by default."""


@dataclass(frozen=True)
class Limits:
    """Limits for whatever is read while they are in force."""

    outside: bool = False
    """Whether names inside a file may lead out of its folder."""
    memory: float = DEFAULT_MEMORY
    """Memory, in GiB, that the contents of a file may take, decoded: those of an asset's files together."""


@dataclass
class _Account:
    """Bytes that have been claimed for one asset."""

    claimed: int = 0


_LIMITS: ContextVar[Limits] = ContextVar("limits", default=Limits())  # noqa: B039 (frozen)
_ACCOUNT: ContextVar[_Account | None] = ContextVar("account", default=None)


def limits() -> Limits:
    """The limits in force."""
    return _LIMITS.get()


@contextmanager
def limited(chosen: Limits) -> Iterator[None]:
    """Put limits in force within a `with` block."""
    token = _LIMITS.set(chosen)
    try:
        yield
    finally:
        _LIMITS.reset(token)


@contextmanager
def one_asset() -> Iterator[None]:
    """Add up all that is claimed within; also a decorator. Inside of another one, it adds to that.

    For readers whose parts stay in memory together, such as a mesh's textures. What is read one after the other and
    dropped in between, such as a capture's photographs, is claimed outside of it, each on its own.
    """
    token = _ACCOUNT.set(_ACCOUNT.get() or _Account())
    try:
        yield
    finally:
        _ACCOUNT.reset(token)


def claim(size: int, what: str, passing: int = 0) -> None:
    """Ask for `size` bytes of memory for what is about to be decoded, and for `passing` bytes only meanwhile.

    Raises TooLargeError, naming `what` (a file, or a part of one), if that exceeds the limit, alone or with all that
    the asset has claimed so far.
    """
    account, most = _ACCOUNT.get() or _Account(), limits().memory
    need = account.claimed + size + passing
    if need > most * 2**30:
        raise TooLargeError(
            f"{what}: needs {need / 2**30:.3g} GiB of memory, more than {most:g} GiB, the limit for what is read;"
            " reduce it, or raise the limit with `memory` (GiB)"
        )
    account.claimed += size


def claim_archive(path: Path) -> None:
    """Ask for the memory of a whole file and, if it is a ZIP archive as torch's checkpoints are, of its members.

    Raises TooLargeError, or InputError for a device or pipe. A file that is missing or broken is left to its reader.
    """
    with contextlib.suppress(OSError):
        claim(0, str(path), regular(path).stat().st_size)
    members: list[zipfile.ZipInfo] = []
    broken = contextlib.suppress(OSError, ValueError, NotImplementedError, struct.error, zipfile.BadZipFile)
    with broken, zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    claim(sum(member.file_size for member in members), str(path))


def regular(path: Path) -> Path:
    """The path, unless it is a device or a pipe, which may have no end: InputError. It need not exist."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # the reader says what is wrong
        return path
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"{path}: is a device or pipe, expected a file")
    return path
