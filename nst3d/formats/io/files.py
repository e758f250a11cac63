"""Reading whole files, and finding those that an asset refers to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nst3d.errors import InputError


def read_bytes(path: Path) -> bytes:
    """All bytes of a file. Raises InputError if it is missing, a folder, or cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def refuse_empty(path: Path, expected: str) -> None:
    """Raise InputError for an empty or unreadable folder."""
    try:
        empty = path.is_dir() and not any(path.iterdir())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if empty:
        raise InputError(f"{path}: the folder is empty, expected {expected}")


def find_beside(name: str, folders: Iterable[Path]) -> Path | None:
    """The file that an asset refers to as `name`, or None.

    Accepts backslashes, quotes, another case, and paths from the author's own disk: looks for the path
    relative to each folder, then for its last component there and in a `textures` folder there.
    """
    parts = relative_parts(name)
    for trail in (parts, parts[-1:], ["textures", *parts[-1:]]):
        for folder in folders:
            found = _descend(folder, trail)
            if found is not None and found.is_file():
                return found
    return None


def relative_parts(name: str) -> list[str]:
    """The components of a path as written in assets, whatever its slashes and quotes."""
    return [p for p in name.strip().strip('"').replace("\\", "/").split("/") if p not in ("", ".")]


def _descend(folder: Path, trail: list[str]) -> Path | None:
    here = folder
    try:
        for part in trail:
            if part == ".." or (here / part).exists():
                here = here / part
                continue
            same = [p for p in here.iterdir() if p.name.casefold() == part.casefold()]
            if not same:
                return None
            here = same[0]
    except OSError:
        return None
    return here
