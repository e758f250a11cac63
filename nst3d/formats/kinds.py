"""What kind of scene a path is: by its name, and a look inside where a name says too little."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

from nst3d.errors import InputError
from nst3d.formats.captures.registry import is_capture
from nst3d.formats.fields.registry import is_field
from nst3d.formats.io.files import refuse_empty
from nst3d.formats.mesh_files import is_mesh
from nst3d.formats.nerfstudio.run import CONFIG, is_run, run_method
from nst3d.formats.picture import is_picture
from nst3d.formats.splats.points import is_point_cloud
from nst3d.formats.splats.registry import is_splats

SceneKind = Literal["picture", "splats", "field", "capture", "mesh", "nerf"]
"""splats: a splatfacto run too; nerf: a nerfacto run of nerfstudio."""

_PHRASES: dict[SceneKind, str] = {
    "picture": "is a picture",
    "splats": "holds splats",
    "field": "is a voxel field",
    "capture": "is a capture",
    "mesh": "is a mesh",
    "nerf": "is a run of nerfacto",
}


def told(path: Path, kind: SceneKind) -> str:
    """A path and what it is, for messages: "a.glb is a mesh"."""
    cloud = kind == "splats" and is_point_cloud(path)
    return f"{path} {'is a point cloud' if cloud else _PHRASES[kind]}"


def kind_of(path: Path) -> SceneKind:
    """The kind of scene in a file or folder; "mesh" for all that is nothing else, readable or not.

    Splats are asked for before meshes, as both come as .ply. Raises InputError if there is nothing at the
    path, an empty folder, an archive in which no scene is found, or a nerfstudio run of a method that is
    not read.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file, expected a mesh, a picture, a voxel field or splats")
    refuse_empty(path, "a mesh, a capture or splats")
    if is_run(path):
        return "splats" if run_method(path) == "splatfacto" else "nerf"
    config = path / CONFIG if path.is_dir() else path
    if config.name == CONFIG and config.is_file():
        raise InputError(f"{config}: is not the config.yml of a nerfstudio run")
    if is_picture(path):
        return "picture"
    if is_splats(path):
        return "splats"
    if is_field(path):
        return "field"
    if is_capture(path):
        return "capture"
    if path.suffix.lower() == ".npz":
        raise InputError(f"{path}: is neither a voxel field nor a capture (images, poses and focal)")
    if path.is_dir() and not any(is_mesh(p) and not is_splats(p) for p in path.iterdir()):
        _refuse_results(path)
    return "mesh"


def capture_comes_first(path: Path) -> InputError:
    """The error for a capture where a scene is expected: what to make of it."""
    return InputError(
        f"{path}: is a capture, photographs of a place; make a scene of it first: nst3d reconstruct"
        f" {shlex.quote(str(path))} --out field.npz"
    )


def _refuse_results(folder: Path) -> None:
    """Raise InputError for a folder that holds scenes, but none that stands for it."""
    found = [p for p in sorted(folder.iterdir()) if p.is_file() and (is_splats(p) or is_field(p))]
    for depth in range(1, 4):
        found += sorted(p for p in folder.glob("*/" * depth + CONFIG) if is_run(p))
    if found:
        names = ", ".join(str(p.relative_to(folder)) for p in found[:4])
        raise InputError(f"{folder}: is a folder with {names}; give the path of one")
