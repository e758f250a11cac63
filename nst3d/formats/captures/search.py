"""Finds the photographs that a capture names, whatever became of their names since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from nst3d.errors import InputError
from nst3d.formats.io.files import (
    OutsideError,
    find_beside,
    lies_inside,
    names_in,
    relative_parts,
    visible,
)
from nst3d.formats.registry import suffixes_of
from nst3d.limits import limits

_NAMED = 3


class PhotoSearch:
    """Looks for photographs below folders; only those inside of the capture's own folders may be read."""

    def __init__(self, folders: Sequence[Path], inside: Sequence[Path]) -> None:
        self.folders, self.inside = tuple(folders), tuple(inside)
        self._listing = cache(names_in)
        self._suffixes = suffixes_of("picture")

    def find(self, name: str) -> Path | None:
        """The file of a photograph, or None.

        Accepts names without or with another suffix, in another case, with backslashes, and paths of which only
        the end is here. Raises OutsideError if it exists, but outside.
        """
        beyond = Path(name).is_absolute() and Path(name).is_file()
        if beyond and limits().outside:
            return Path(name)
        for spelling in self._spellings(name):
            try:
                found = find_beside(spelling, self.folders, self._listing)
            except OutsideError:
                found, beyond = None, True
            if found is not None and lies_inside(found, self.inside):
                return found
            beyond = beyond or found is not None
        if beyond:
            raise OutsideError(_outside_message(self.inside[0], [name], 1))
        return None

    def find_all(self, names: Sequence[str], source: Path) -> dict[str, Path]:
        """The files of the photographs that are there, by name.

        Where several names lead to one file (left/1.png and right/1.png, to 1.png), only a name that is exactly its
        path is taken. Raises OutsideError, which lists them, if photographs exist outside only.
        """
        found: dict[str, Path] = {}
        outside = []
        for name in dict.fromkeys(names):
            try:
                path = self.find(name)
            except OutsideError:
                outside.append(name)
                continue
            if path is not None:
                found[name] = path
        if outside:
            raise OutsideError(_outside_message(source, outside, len(names)))
        shared = Counter(found.values())
        return {n: p for n, p in found.items() if shared[p] == 1 or self._is_exact(n, p)}

    def _is_exact(self, name: str, path: Path) -> bool:
        return any(folder / name == path or folder.joinpath(*relative_parts(name)) == path
                   for folder in self.folders)  # fmt: skip

    def _spellings(self, name: str) -> Iterator[str]:
        """The name as it is, and with each suffix of a picture: captures leave it out, and people convert."""
        yield name
        yield from (name + suffix for suffix in self._suffixes)
        stem, dot, last = name.rpartition(".")
        if stem and dot + last.lower() in self._suffixes:
            yield from (stem + suffix for suffix in self._suffixes)


def pictures_in(folder: Path) -> list[Path]:
    """The visible pictures of a folder by name. Raises InputError if it cannot be read."""
    suffixes = suffixes_of("picture")
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from None
    return [p for p in entries if p.suffix.lower() in suffixes and visible(p) and p.is_file()]


def check_inside(paths: Iterable[Path], folder: Path) -> None:
    """Raise OutsideError, which lists them, if photographs in a capture's folder are links that lead out of it."""
    paths = list(paths)
    outside = [str(p) for p in paths if not lies_inside(p, [folder])]
    if outside:
        raise OutsideError(_outside_message(folder, outside, len(paths)))


def _outside_message(source: Path, outside: Sequence[str], total: int) -> str:
    names = ", ".join(name[-80:] for name in outside[:_NAMED])
    more = f" and {len(outside) - _NAMED} more" if len(outside) > _NAMED else ""
    return (
        f"{source}: {len(outside)} of its {total} photographs lie outside its folder: {names}{more}; give"
        " `allow_outside` to read them, or copy them into the folder"
    )
