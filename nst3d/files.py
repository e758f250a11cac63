"""Paths as callers give them, and files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar, cast

from nst3d.errors import OutputError

PathLike: TypeAlias = str | os.PathLike[str]
"""What public functions take for a path; they turn it into a `Path` once, on entry."""

RESULTS = frozenset(
    {
        "checkpoint.npz",
        "checkpoint.pt",
        "config.yaml",
        "losses.csv",
        "metrics.json",
        "preview.png",
        "sheet.png",
        "turntable.mp4",
    }
)
"""Files of a result, in lower case; files copied from an asset never take these names."""

_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")

Given = TypeVar("Given", contravariant=True)
Held = TypeVar("Held", covariant=True)


class _ConvertedField(Generic[Given, Held]):
    """A field of a dataclass that is converted when it is set, so that type checkers know both types."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Held:
        if instance is None:  # the dataclass asks for a default: there is none
            raise AttributeError(self._name)
        return cast(Held, vars(instance)[self._name])

    def __set__(self, instance: object, value: Given) -> None:
        vars(instance)[self._name] = self._convert(value)

    def _convert(self, value: Given) -> Held:
        raise NotImplementedError


class PathField(_ConvertedField[PathLike, Path]):
    """A required field that takes any path and holds a `Path`: `scene: PathField = PathField()`."""

    def _convert(self, value: PathLike) -> Path:
        return Path(value)


class PathsField(_ConvertedField["PathLike | Iterable[PathLike]", "tuple[Path, ...]"]):
    """A required field that takes one path or several and holds a tuple of `Path`."""

    def _convert(self, value: PathLike | Iterable[PathLike]) -> tuple[Path, ...]:
        return tuple(map(Path, [value] if isinstance(value, str | os.PathLike) else value))


class OptionalPathsField(PathsField):
    """A field that takes one path, several or none, its default, and holds a tuple of `Path`."""

    def __get__(self, instance: object, owner: type) -> tuple[Path, ...]:
        """The paths; on the class the default."""
        return () if instance is None else super().__get__(instance, owner)


class OptionalPathField(_ConvertedField["PathLike | None", "Path | None"]):
    """A field that takes any path or None, its default, and holds a `Path` or None."""

    def __get__(self, instance: object, owner: type) -> Path | None:
        """The path; on the class the default."""
        return None if instance is None else super().__get__(instance, owner)

    def _convert(self, value: PathLike | None) -> Path | None:
        return None if value is None else Path(value)


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """A temporary name beside `path` to write to; renamed to `path` on success, otherwise removed.

    Raises OutputError if the folder is missing or not writable, or the disk is full; an existing file of that
    name is then unchanged.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def sweep(folder: PathLike) -> None:
    """Remove the temporary files that processes which are gone left in a folder."""
    for path in Path(folder).glob(".*.tmp"):
        left = _TEMPORARY.fullmatch(path.name)
        if left and not _is_running(int(left[1])):
            with contextlib.suppress(OSError):
                path.unlink()


def is_temporary(path: PathLike) -> bool:
    """Whether a file is one that `replacing` writes to."""
    return _TEMPORARY.fullmatch(Path(path).name) is not None


def _is_running(process: int) -> bool:
    """Whether a process is running, as far as the system tells: always on Windows, where asking would end it."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # someone else's
        return True
    return True


def write_bytes(path: PathLike, data: bytes) -> None:
    """Write `data` to `path` atomically. Raises OutputError like `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
