"""Photographs and videos without poses, which are no capture yet: how to make one."""

from __future__ import annotations

import shlex

from nst3d.files import PathLike
from nst3d.formats.captures.search import pictures_in
from nst3d.formats.io.files import descend, visible
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import format_of

VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".3gp", ".wmv")
"""Suffixes of videos."""
_FOLDERS = ("images", "input")
_FEWEST = 3
"""Photographs that make a folder one of photographs."""
_SCENES = ("mesh", "splats", "points", "field")


def is_bare(place: PathLike | Peek) -> bool:
    """Whether a path is a video, or a folder of at least three photographs and little else, without any poses."""
    peek = Peek.at(place)
    if not peek.is_folder:
        return peek.suffix in VIDEOS and peek.path.is_file()
    places = [peek.path, *(p for name in _FOLDERS if (p := descend(peek.path, [name])) and p.is_dir())]
    if max(len(pictures_in(p)) for p in places) < _FEWEST:
        return False
    files = [p for p in peek.path.iterdir() if visible(p) and p.is_file()]
    others = len(files) - len(pictures_in(peek.path))
    return others < _FEWEST and not any(format_of(p, *_SCENES) for p in files)


def how_to_pose(place: PathLike | Peek) -> str:
    """What a path without poses is, and what makes a scene from it, for messages."""
    peek = Peek.at(place)
    what = "photographs without camera poses" if peek.is_folder else "a video, without camera poses"
    return (
        f"{peek.path}: is {what}; find the poses first, and make a scene with them:"
        f" nst3d capture {shlex.quote(str(peek.path))} --out capture/, then nst3d reconstruct capture/ --out field.npz"
    )
