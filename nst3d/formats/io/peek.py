"""A path that is being looked into: what was read of it to tell what it is, is read once and handed on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from nst3d.files import PathLike

T = TypeVar("T")

_START = 64


class Peek:
    """A file or folder, and what has been read of it so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[Any, Path], Any] = {}

    def __repr__(self) -> str:
        return f"Peek({str(self.path)!r})"

    @classmethod
    def at(cls, place: PathLike | Peek) -> Peek:
        """The place itself if it was looked into, else a first look at it."""
        return place if isinstance(place, Peek) else cls(Path(place))

    def once(self, read: Callable[[Path], T], path: Path | None = None) -> T:
        """What `read` says of the path, or of one that belongs to it; asked again, it is not read again."""
        key = (read, path or self.path)
        if key not in self._known:
            self._known[key] = read(key[1])
        return self._known[key]

    def beside(self, path: Path) -> Peek:
        """The look into a path that belongs to this one, such as a file in this folder; it is remembered, too."""
        return self if path == self.path else self.once(Peek, path)

    @cached_property
    def suffix(self) -> str:
        """The last ending of the name, in lower case."""
        return self.path.suffix.lower()

    @cached_property
    def is_folder(self) -> bool:
        """Whether there is a folder."""
        return self.path.is_dir()

    @property
    def start(self) -> bytes:
        """The first 64 bytes of a file; nothing of a folder, or where it cannot be read."""
        try:
            return self.read_start()
        except OSError:
            return b""

    def read_start(self) -> bytes:
        """The first 64 bytes of a file. Raises OSError where it cannot be read."""
        return self.once(_start)

    def ends_with(self, suffix: str) -> bool:
        """Whether the name ends in a suffix, which may have several parts (.compressed.ply), in any case."""
        name = self.path.name.lower()
        return name.endswith(suffix) and self.path.suffix != ""


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START)
