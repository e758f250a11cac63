"""A path being identified: whatever is read to identify it is read once and handed on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from nst3d.files import PathLike
from nst3d.limits import regular

T = TypeVar("T")

_START = 64


class Peek:
    """A file or folder, with a cache of everything read from it so far; or a scene in memory."""

    def __init__(self, path: Path, content: Any = None) -> None:
        """`content` is a scene in memory, which loaders return in place of reading the path, a mere name."""
        self.path, self.content = path, content
        self._known: dict[tuple[Any, Path], Any] = {}

    def __repr__(self) -> str:
        return f"Peek({str(self.path)!r})"

    @classmethod
    def at(cls, place: PathLike | Peek) -> Peek:
        """The place itself if it is a Peek, otherwise a new Peek."""
        return place if isinstance(place, Peek) else cls(Path(place))

    def once(self, read: Callable[[Path], T], path: Path | None = None) -> T:
        """The result of `read` for the path, or for one that belongs to it, cached."""
        key = (read, path or self.path)
        if key not in self._known:
            self._known[key] = read(key[1])
        return self._known[key]

    def beside(self, path: Path) -> Peek:
        """The Peek of a path that belongs to this one, such as a file in this folder; also cached."""
        return self if path == self.path else self.once(Peek, path)

    @cached_property
    def suffix(self) -> str:
        """The last suffix of the name, in lower case."""
        return self.path.suffix.lower()

    @cached_property
    def is_folder(self) -> bool:
        """Whether the path is a folder."""
        return self.path.is_dir()

    @property
    def start(self) -> bytes:
        """The first 64 bytes of a file; empty for a folder or an unreadable file."""
        try:
            return self.read_start()
        except OSError:
            return b""

    def read_start(self) -> bytes:
        """The first 64 bytes of a file. Raises OSError if it cannot be read, InputError
        for a device or pipe."""
        return self.once(_start)

    def ends_with(self, suffix: str) -> bool:
        """Whether the name ends in a suffix, which may have several parts (.compressed.ply), in any case."""
        name = self.path.name.lower()
        return name.endswith(suffix) and self.path.suffix != ""


def _start(path: Path) -> bytes:
    with regular(path).open("rb") as file:
        return file.read(_START)
