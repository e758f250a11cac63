"""What the files of a command may make it read, and how much memory that may take."""

from __future__ import annotations

import contextlib
import os
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


def check_room(size: int, what: str, remedy: str) -> None:
    """Raise TooLargeError if `size` bytes, which `what` is about to take, are more than are free on this machine.

    For what users choose, such as networks, and no file brings unasked: the limit for what is read does not count.
    `remedy` says what to do. Nothing happens where the system does not say what is free.
    """
    free = free_memory()
    if free is not None and size > free:
        raise TooLargeError(
            f"{what}: needs {size / 2**30:.3g} GiB of memory, and {max(free, 0) / 2**30:.3g} GiB are free; {remedy}"
        )


def free_memory() -> int | None:
    """Bytes that this process can still get, of the machine, its container and its own limit; None: unknown."""
    known = [
        found for found in (_free_of_machine(), _free_of_group(), _free_of_process()) if found is not None
    ]
    return min(known, default=None)


def _free_of_machine() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _free_of_group() -> int | None:
    """Of a container's limit; what it keeps of files that are not in use can be had, too."""
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError, KeyError):
        most, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        rows = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return most - used + int(rows["inactive_file"])
    return None


def _free_of_process() -> int | None:
    """Of the limit that `ulimit -v` sets."""
    with contextlib.suppress(ImportError, OSError, ValueError, IndexError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            return most - int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return None


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
