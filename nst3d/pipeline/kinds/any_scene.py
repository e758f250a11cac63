"""Loads and saves a scene of any kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np

from nst3d.errors import ConfigError
from nst3d.files import PathLike
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.fields.registry import load_field, save_field
from nst3d.formats.io.peek import Peek
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.formats.picture import load_picture, save_picture
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.io import Picture
from nst3d.pipeline.kinds.registry import open_path
from nst3d.representations.capture import Capture
from nst3d.representations.checks import check_splats
from nst3d.representations.field import VoxelField
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import MeshPaint
from nst3d.representations.splats import Splats
from nst3d.representations.tables import table_of
from nst3d.tensors import Array, Share

Scene: TypeAlias = Mesh | VoxelField | Splats | Picture | Capture

_LOADERS: dict[str, Callable[[Peek], Scene]] = {
    "mesh": load_mesh,
    "field": load_field,
    "splats": load_splats,
    "points": load_splats,
    "picture": lambda peek: load_picture(peek.path),
    "capture": lambda peek: load_capture(peek.path),
}


def load(path: PathLike) -> Scene:
    """The scene in a file or folder, of any kind: mesh, voxel field, splats, picture or capture.

    nerfstudio's splatfacto runs and point clouds load as splats. Raises InputError for paths that are missing
    or unreadable, and for NeRFs, which `run_job` paints but which have no table of colours to load.
    """
    opened = open_path(path)
    if opened.kind.name not in _LOADERS:
        raise opened.refusal("load", ", which has no table of colours to load; paint it with run_job")
    return _LOADERS[opened.kind.name](opened.peek)


def save(
    path: PathLike,
    scene: Scene,
    colours: Array | None = None,
    *,
    paint: MeshPaint | None = None,
    specular: Share = 1.0,
) -> list[Path]:
    """Write a scene with new colours in the format of the path's suffix; returns all files written.

    `colours` are the rows (n, 3) of its table, sRGB-encoded: a field's nodes, splats, a picture's pixels row
    by row, or as in a mesh's `paint`. None: the scene's own. Everything unpainted stays. Higher harmonics of
    fields and splats are multiplied by `specular`. Raises ConfigError for a mesh without paint and colours, a
    capture, a table of the wrong shape, or a format that cannot hold the scene, OutputError if a file cannot
    be written.
    """
    path = Path(path)
    if isinstance(scene, Mesh):
        if paint is None or colours is None:
            raise ConfigError(f"{path}: a mesh needs both colours and the paint that maps them")
        return save_mesh(path, scene, paint, _table(path, colours, paint.num_colours))
    if isinstance(scene, VoxelField):
        table = None if colours is None else _table(path, colours, len(scene))
        return save_field(path, scene, table, specular)
    if isinstance(scene, Splats):
        check_splats(scene)
        own = scene.colours if colours is None else _table(path, colours, len(scene))
        return save_splats(path, scene, own, specular)
    if isinstance(scene, Picture):
        height, width = scene.pixels.shape[:2]
        own = scene.pixels if colours is None else _table(path, colours, height * width)
        return save_picture(path, own.reshape(height, width, 3), scene.alpha)
    raise ConfigError(f"{path}: a capture has no colours to save; reconstruct a scene from it first")


def _table(path: Path, colours: Array, rows: int) -> Array:
    """The colours as float32. Raises ConfigError unless they are (rows, 3), and finite."""
    try:
        return table_of(colours, "colours", 3, rows).astype(np.float32)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
