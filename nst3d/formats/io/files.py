"""Reading whole files, and finding those that an asset refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from nst3d.errors import InputError, shown
from nst3d.limits import claim, limits, regular


class OutsideError(InputError):
    """A name inside a file that leads out of the folders it may refer to."""


def read_bytes(path: Path) -> bytes:
    """All bytes of a file.

    Raises InputError if it is missing, a folder, a device or pipe, cannot be read, or is larger than the limit
    on memory.
    """
    try:
        claim(regular(path).stat().st_size, str(path))
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


def names_in(folder: Path) -> dict[str, str]:
    """The names of a folder's visible entries by their case-folded form. Raises OSError."""
    return {p.name.casefold(): p.name for p in sorted(folder.iterdir(), reverse=True) if visible(p)}


def visible(path: Path) -> bool:
    """Whether a name was given by a person: not hidden (.DS_Store, macOS' ._copies), nor Windows' Thumbs.db."""
    return not path.name.startswith(".") and path.name.casefold() not in ("thumbs.db", "desktop.ini")


def find_beside(
    name: str, folders: Iterable[Path], listing: Callable[[Path], Mapping[str, str]] = names_in
) -> Path | None:
    """The file that an asset refers to as `name`, or None.

    Accepts backslashes, quotes, another case, and paths from the author's own disk: looks for the path
    relative to each folder, then for ever shorter ends of it there, and for its last component in a `textures`
    folder there. Raises OutsideError if it is found outside of all folders only, unless the limits allow that.
    `listing` replaces `names_in`, for a caller that looks for many files and keeps the lists.
    """
    folders = list(folders)
    parts = relative_parts(name)
    outside: Path | None = None
    for trail in (parts, *_ends(parts), ["textures", *parts[-1:]]):
        for folder in folders:
            found = descend(folder, trail, listing)
            if found is None or not found.is_file():
                continue
            if lies_inside(found, folders):
                return found
            outside = outside or found
    if Path(name).is_absolute() and limits().outside and Path(name).is_file():
        return Path(name)
    if outside is not None:
        raise OutsideError(outside_message(name, folders[0]))
    return None


def resolve(folder: Path, name: str) -> Path:
    """The path that a file in `folder` refers to as `name`, which need not exist; no search.

    Raises OutsideError if it leads out of the folder, by `..` or a link, unless the limits allow that.
    """
    path = folder.joinpath(*relative_parts(name))
    if not lies_inside(path, [folder]):
        raise OutsideError(outside_message(name, folder))
    return path


def lies_inside(path: Path, folders: Iterable[Path]) -> bool:
    """Whether a path, its links followed, is in one of the folders, or the limits allow others."""
    if limits().outside:
        return True
    try:
        place = path.resolve()
        return any(place.is_relative_to(folder.resolve()) for folder in folders)
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that no file system accepts
        return False


def outside_message(name: str, folder: Path) -> str:
    """Why a name inside a file is not followed, and what to do."""
    return (
        f"{folder}: a file in it refers to {shown(name)}, outside this folder; copy that file into the folder, or"
        " give `allow_outside` to read it"
    )


def relative_parts(name: str) -> list[str]:
    """The components of a path as written in assets, whatever its slashes and quotes."""
    return [p for p in name.strip().strip('"').replace("\\", "/").split("/") if p not in ("", ".")]


def descend(
    folder: Path, trail: Iterable[str], listing: Callable[[Path], Mapping[str, str]] = names_in
) -> Path | None:
    """The path below a folder with these components, in any case where none has exactly this one, or None."""
    here = folder
    try:
        for part in trail:
            if part == ".." or (here / part).exists():
                here = here / part
                continue
            same = listing(here).get(part.casefold())
            if same is None:
                return None
            here = here / same
    except OSError:
        return None
    return here


def _ends(parts: list[str]) -> list[list[str]]:
    """The ever shorter ends of a path, without the part that climbs."""
    last_up = max((i for i, part in enumerate(parts) if part == ".."), default=-1)
    return [parts[k:] for k in range(max(last_up + 1, 1), len(parts))]
