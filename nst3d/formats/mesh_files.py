"""Which file format reads or writes what, by suffix, with a look at the content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.write import save_gltf
from nst3d.formats.meshes.obj_read import load_obj
from nst3d.formats.meshes.obj_write import save_obj
from nst3d.formats.meshes.ply import load_ply, save_ply
from nst3d.formats.meshes.stl import load_stl
from nst3d.formats.picture import SUFFIXES as PICTURE_SUFFIXES
from nst3d.formats.voxels.binvox import load_binvox
from nst3d.formats.voxels.vox import load_vox, save_vox
from nst3d.representations.mesh import Instance, Mesh
from nst3d.representations.paint import MeshPaint
from nst3d.tensors import Array

_READERS: dict[str, Callable[[Path], Mesh]] = {
    ".glb": load_gltf,
    ".gltf": load_gltf,
    ".obj": load_obj,
    ".ply": load_ply,
    ".stl": load_stl,
    ".vox": load_vox,
    ".binvox": load_binvox,
}
_WRITERS: dict[str, Callable[[Path, Mesh, MeshPaint, Array], list[Path]]] = {
    ".glb": save_gltf,
    ".gltf": save_gltf,
    ".obj": save_obj,
    ".ply": save_ply,
    ".vox": save_vox,
}
_CONTENTS: tuple[tuple[bytes, str, str], ...] = (
    (b"glTF", ".glb", "a GLB"),
    (b"ply\n", ".ply", "a PLY"),
    (b"ply\r", ".ply", "a PLY"),
    (b"VOX ", ".vox", "a MagicaVoxel model"),
    (b"#binvox", ".binvox", "a binvox grid"),
    (b"\x89PNG", ".png", "a PNG picture"),
    (b"\xff\xd8\xff", ".jpg", "a JPEG picture"),
    (b"PK\x03\x04", "", "a ZIP archive, which must be unpacked first"),
    (b"\x1f\x8b", "", "a gzip archive, which must be unpacked first"),
    (b"Kaydara FBX", "", "an FBX, which Blender can turn into a GLB"),
    (b"BLENDER", "", "a Blender file, which Blender can export as a GLB"),
    (b"OFF", "", "an OFF file, which MeshLab can turn into a PLY"),
    (b"<?xml", "", "an XML file, perhaps COLLADA, which Blender can turn into a GLB"),
)
_ARCHIVES = {
    (b"PK\x03\x04", ".npz"): "a NumPy archive",
    (b"PK\x03\x04", ".sog"): "a splat scene",
    (b"\x1f\x8b", ".spz"): "a splat scene",
}
"""First bytes and suffix of archives that are read as they are, though not as meshes."""
_READABLE = ", ".join(_READERS)


def is_picture(path: PathLike) -> bool:
    """Whether a path is named like a picture."""
    path = Path(path)
    return not path.is_dir() and path.suffix.lower() in PICTURE_SUFFIXES


def is_mesh(path: PathLike) -> bool:
    """Whether a file is named like a mesh."""
    path = Path(path)
    return path.is_file() and path.suffix.lower() in _READERS


def load_mesh(path: PathLike) -> Mesh:
    """The mesh in a file, or in a folder that holds exactly one mesh file.

    Reads GLB, glTF, OBJ, PLY, STL, and voxels (.vox, .binvox) as the mesh of their open sides. Raises
    InputError for a missing or unreadable file, one of another kind (naming what it is where its first bytes
    tell), and a folder with no mesh or several.
    """
    path = Path(path)
    path = _only_mesh(path) if path.is_dir() else path
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a mesh ({_READABLE})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    suffix = path.suffix.lower()
    if not start:
        raise InputError(f"{path}: the file is empty; expected a mesh ({_READABLE})")
    for magic, own, what in _CONTENTS:
        if start.startswith(magic) and suffix != own:
            what = _ARCHIVES.get((magic, suffix), what)
            remedy = f"; rename it to end in {own}" if own in _READERS else f"; readable are {_READABLE}"
            raise InputError(f"{path}: is {what}{remedy}")
    if suffix not in _READERS:
        raise InputError(f"{path}: is not a mesh that can be read; readable are {_READABLE}")
    mesh = _READERS[suffix](path)
    if not any(_extent(mesh, instance).any() for instance in mesh.instances):
        raise InputError(f"{path}: its nodes shrink all faces to a point; export it in a pose that shows it")
    return mesh


def save_mesh(path: PathLike, mesh: Mesh, paint: MeshPaint, colours: Array) -> list[Path]:
    """Write a painted mesh in the format of the path's suffix; returns all files written.

    `colours` are the table's rows (n, 3) float32 in [0, 1], sRGB-encoded. Raises ConfigError for a format
    that cannot be written or cannot hold the paint, OutputError if a file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".stl":
        raise ConfigError(f"{path}: STL cannot hold colours; use {', '.join(_WRITERS)}")
    if suffix not in _WRITERS:
        raise ConfigError(f"{path}: meshes are written as {', '.join(_WRITERS)}")
    return _WRITERS[suffix](path, mesh, paint, colours)


def _extent(mesh: Mesh, instance: Instance) -> Array:
    points = mesh.parts[instance.part].vertices @ instance.transform[:3, :3].T
    return np.ptp(points, axis=0)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from None


def _only_mesh(folder: Path) -> Path:
    found = [p for p in _entries(folder) if p.suffix.lower() in _READERS and p.is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(p.name for p in found[:8])
        raise InputError(f"{folder}: holds {len(found)} meshes ({names}); give the path of one")
    names = ", ".join(p.name for p in _entries(folder)[:8]) or "nothing"
    raise InputError(f"{folder}: holds no mesh ({_READABLE}) but {names}")
