"""Checks of scenes that come from outside: shapes, finite numbers, indices in range."""

from __future__ import annotations

from typing import Any

import numpy as np

from nst3d.errors import ConfigError
from nst3d.representations.mesh import Mesh
from nst3d.representations.splats import Splats
from nst3d.representations.tables import table_of, triangles_of


def check_mesh(mesh: Mesh) -> None:
    """Raise ConfigError for a mesh without faces, or with arrays of wrong shapes, indices or numbers."""
    if not isinstance(mesh, Mesh):
        raise ConfigError(f"expected a Mesh, found a {type(mesh).__name__}")
    if not mesh.instances:
        raise ConfigError("the mesh has no instance of a part; there is nothing to paint")
    for part in mesh.parts:
        count = len(table_of(part.vertices, "vertices", 3))
        triangles_of(part.faces, count)
        _same_rows(part.colours, "colours", count)
        _same_rows(part.normals, "normals", count)
        if part.alphas is not None and np.shape(part.alphas) != (count,):
            raise ConfigError(f"alphas of shape {np.shape(part.alphas)}, expected ({count},)")
        if part.uvs is not None and np.shape(part.uvs) != (len(part.faces), 3, 2):
            raise ConfigError(f"uvs of shape {np.shape(part.uvs)}, expected ({len(part.faces)}, 3, 2)")
        if not 0 <= part.material < len(mesh.materials):
            raise ConfigError(f"a part has material {part.material}, but there are {len(mesh.materials)}")
    for instance in mesh.instances:
        if not 0 <= instance.part < len(mesh.parts):
            raise ConfigError(f"an instance shows part {instance.part}, but there are {len(mesh.parts)}")
        table_of(instance.transform, "the transform of an instance", 4, rows=4)


def check_splats(splats: Splats) -> None:
    """Raise ConfigError for splats without rows, or with arrays of wrong shapes or numbers."""
    if not isinstance(splats, Splats):
        raise ConfigError(f"expected Splats, found a {type(splats).__name__}")
    count = len(table_of(splats.positions, "positions", 3))
    for name, width in (("scales", 3), ("rotations", 4)):
        table_of(getattr(splats, name), name, width, rows=count)
    table_of(np.reshape(splats.opacities, (-1, 1)), "opacities", 1, rows=count)
    shape = np.shape(splats.harmonics)
    if len(shape) != 3 or shape[0] != count or shape[1] not in (1, 4, 9, 16) or shape[2] != 3:
        raise ConfigError(f"harmonics of shape {shape}, expected ({count}, 1, 4, 9 or 16, 3)")
    table_of(np.reshape(splats.harmonics, (count, -1)), "harmonics", 3 * shape[1])


def _same_rows(table: Any, name: str, count: int) -> None:
    if table is not None:
        table_of(table, name, 3, rows=count)
