"""The styles among which words choose, and what each looks like in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nst3d.errors import InputError, shown
from nst3d.formats.picture import is_picture
from nst3d.pipeline.settings.overrides import read_yaml
from nst3d.pipeline.settings.resources import resource

CAPTIONS = "captions.yaml"
"""The file of captions in a folder of pictures: a mapping of file names to sentences."""
_WORD = re.compile(r"[^\W\d_]{3,}")
"""Three letters: what a name must have to say something."""
_CAMERAS = re.compile(r"(?<![^\W\d_])(dcim|dscf|dscn?|imgp?|mvimg|pxl)(?![^\W\d_])", re.IGNORECASE)
"""What cameras call their pictures, which says nothing."""


@dataclass(frozen=True)
class Captioned:
    """A style, and what it looks like in words."""

    name: str
    caption: str
    path: Path | None = None
    """Its picture; None: a teacher alone knows it."""


def read_library(folder: Path | None = None) -> list[Captioned]:
    """The pictures in a folder, or those that ship with nst3d, each with a caption, in the order of their names.

    Captions are in the folder's `captions.yaml`; without one for a picture its name is read, "starry_night.jpg" as
    "starry night". Raises InputError for a folder without pictures, captions of pictures that are not there, and
    pictures without a caption whose name says nothing.
    """
    folder = folder or resource("scenes") / "styles"
    if not folder.is_dir():
        what = "is a file, expected a folder" if folder.exists() else "no such folder, expected one"
        raise InputError(f"{folder}: {what} of pictures to choose from")
    pictures = {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and is_picture(path)}
    if not pictures:
        raise InputError(f"{folder}: has no pictures to choose from")
    captions = _captions(folder / CAPTIONS, pictures)
    return [Captioned(path.stem, captions.get(name) or _named(path), path) for name, path in pictures.items()]


def _captions(file: Path, pictures: Mapping[str, Path]) -> dict[str, str]:
    given: dict[str, Any] = read_yaml(file) if file.exists() else {}
    for name, caption in given.items():
        if name not in pictures:
            raise InputError(
                f"{file}: {shown(name)} is no picture beside it, expected 'picture.jpg: what it looks like'"
            )
        if not isinstance(caption, str) or not _WORD.search(caption):
            raise InputError(f"{file}: {name} is {shown(caption)}, expected what it looks like in words")
    return given


def _named(path: Path) -> str:
    """The words in a picture's name. InputError if there are none."""
    words = re.sub(r"[\W_]+", " ", path.stem).strip()
    if not _WORD.search(_CAMERAS.sub("", words)):
        raise InputError(
            f"{path}: its name says nothing of what it looks like; say it in {path.with_name(CAPTIONS)},"
            f" '{path.name}: what it looks like'"
        )
    return words
