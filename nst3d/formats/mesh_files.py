"""Reads and writes meshes in the format given by the suffix and the content."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike
from nst3d.formats.io.files import visible
from nst3d.formats.io.foreign import careful
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import (
    Format,
    all_formats,
    format_named,
    format_of,
    formats_of,
    suffixes_of,
    written_suffixes,
)
from nst3d.limits import one_asset
from nst3d.representations.checks import check_mesh
from nst3d.representations.mesh import Instance, Mesh
from nst3d.representations.paint import MeshPaint
from nst3d.tensors import Array

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive, which must be unpacked first"),
    (b"\x1f\x8b", "a gzip archive, which must be unpacked first"),
    (b"Kaydara FBX", "an FBX, which Blender can convert to GLB"),
    (b"BLENDER", "a Blender file, which Blender can export as GLB"),
    (b"<?xml", "an XML file; if it is COLLADA, rename it to end in .dae"),
)
"""First bytes of files that are not readable meshes."""
_SHARED = (*(magic for magic, _ in _FOREIGN[:2]), b"<?xml")
"""Many formats are archives or XML, so these bytes do not identify one."""


def is_mesh(path: PathLike) -> bool:
    """Whether a file has the suffix of a mesh."""
    path = Path(path)
    return path.is_file() and format_of(path, "mesh") is not None


@one_asset()
def load_mesh(place: PathLike | Peek) -> Mesh:
    """The mesh in a file, or in a folder that holds exactly one, perhaps in several formats.

    Reads GLB, glTF, OBJ, PLY, STL, OFF, 3MF, COLLADA, XAML, and voxels (.vox, .binvox) as the mesh of their
    exposed faces. Raises InputError for a missing or unreadable file, one of another kind (named if its first
    bytes identify it), and a folder with no mesh or several.
    """
    peek = Peek.at(place)
    if isinstance(peek.content, Mesh):
        return peek.content
    if peek.is_folder:
        peek = Peek(_only_mesh(peek.path))
    path = peek.path
    try:
        start = peek.read_start()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a mesh ({_readable()})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not start:
        raise InputError(f"{path}: the file is empty; expected a mesh ({_readable()})")
    row = format_of(peek, "mesh")
    _refuse_others(path, start, row)
    if row is None or row.load is None:
        raise InputError(f"{path}: not a readable mesh; supported are {_readable()}{_others()}")
    mesh: Mesh = careful(row.load, row.words, check_mesh)(path)
    if not any(_extent(mesh, instance).any() for instance in mesh.instances):
        raise InputError(f"{path}: its nodes scale all faces to a point; export it in a visible pose")
    return mesh


def save_mesh(path: PathLike, mesh: Mesh, paint: MeshPaint, colours: Array) -> list[Path]:
    """Write a painted mesh in the format given by the path's suffix; returns all files written.

    `colours` are the table's rows (n, 3) float32 in [0, 1], sRGB-encoded. Raises ConfigError for a format
    that cannot be written or cannot store the paint, OutputError if a file cannot be written.
    """
    path = Path(path)
    row = format_named(path.name, "mesh")
    if row is not None and row.save is not None:
        return row.save(path, mesh, paint, colours)
    written = ", ".join(written_suffixes("mesh"))
    if row is not None and row.hint:
        raise ConfigError(f"{path}: {row.hint}; use {written}")
    raise ConfigError(f"{path}: meshes are written as {written}")


def mesh_formats(*holds: str) -> list[Format]:
    """The formats that a painted mesh can be written in and that can store the given kinds of paint."""
    return [f for f in formats_of("mesh") if f.save is not None and f.holds >= set(holds)]


def _readable() -> str:
    return ", ".join(suffixes_of("mesh"))


def _others() -> str:
    """What else is a scene, for files that may have been meant as one: a LAS, for example."""
    return f"; splats and points are read from {', '.join(suffixes_of('splats', 'points'))}"


def _refuse_others(path: Path, start: bytes, row: Format | None) -> None:
    """Raise InputError if the first bytes belong to another format than the name."""
    if row is not None and start.startswith(row.magic):
        return
    for other in all_formats():
        if start.startswith(other.magic) and not start.startswith(_SHARED):
            remedy = f"supported are {_readable()}"
            if other.reads == "mesh":
                remedy = f"rename it to end in {other.suffixes[0]}"
            raise InputError(f"{path}: is {other.words}; {remedy}")
    for magic, what in _FOREIGN:
        if start.startswith(magic):
            own = next(
                (f for f in all_formats() if path.suffix.lower() in f.suffixes and f.reads != "mesh"), None
            )
            raise InputError(f"{path}: is {what if own is None else own.words}; supported are {_readable()}")


def _extent(mesh: Mesh, instance: Instance) -> Array:
    points = mesh.parts[instance.part].vertices @ instance.transform[:3, :3].T
    return np.ptp(points, axis=0)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from None


def _only_mesh(folder: Path) -> Path:
    found = [p for p in _entries(folder) if visible(p) and is_mesh(p)]
    if len(found) == 1:
        return found[0]
    one = [p for p in found if p.suffix.lower() == ".glb"]
    if (
        len(one) == 1 and len({p.stem for p in found}) == 1
    ):  # one asset in several formats, as painting writes them
        return one[0]
    if found:
        names = ", ".join(p.name for p in found[:8])
        raise InputError(f"{folder}: contains {len(found)} meshes ({names}); give the path of one")
    names = ", ".join(p.name for p in _entries(folder)[:8]) or "nothing"
    raise InputError(f"{folder}: contains no mesh ({_readable()}), only {names}{_others()}")
