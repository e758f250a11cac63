"""Detects whether the files of a scene have changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nst3d.formats.io.peek import Peek
from nst3d.formats.nerfstudio.run import is_run, run_files
from nst3d.limits import regular

_BLOCK = 1 << 22


def add_scene(digest: hashlib._Hash, place: Path | Peek) -> None:
    """Add the bytes of a scene's file, or of a run's config and checkpoint; for a folder, its path."""
    peek = Peek.at(place)
    if not peek.is_folder or is_run(peek):
        for part in run_files(peek) if is_run(peek) else (peek.path,):
            _add_bytes(digest, part)
    else:
        digest.update(str(peek.path).encode())


def add_file(digest: hashlib._Hash, path: Path) -> None:
    """Add the bytes of a file; nothing if it is missing, which its reader reports."""
    if path.is_file():
        _add_bytes(digest, path)


def add_place(digest: hashlib._Hash, path: Path) -> None:
    """Add the bytes of a file, or the names and sizes of the files in a folder, three deep, as of a model.

    Nothing if it is missing, which its reader reports.
    """
    add_file(digest, path)
    if path.is_dir():
        for other in sorted(
            p for pattern in ("*", "*/*", "*/*/*") for p in path.glob(pattern) if p.is_file()
        ):
            digest.update(f"{other.relative_to(path)} {other.stat().st_size}".encode())


def add_neighbours(digest: hashlib._Hash, path: Path) -> None:
    """Add the names, sizes and times of the files beside a multi-file scene (textures, parts)."""
    if path.is_dir() or path.suffix.lower() in (".gltf", ".obj"):
        folder = path if path.is_dir() else path.parent
        for other in sorted(p for p in folder.iterdir() if p.is_file()):
            state = other.stat()
            digest.update(f"{other.name} {state.st_size} {state.st_mtime_ns}".encode())


def _add_bytes(digest: hashlib._Hash, path: Path) -> None:
    with regular(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
