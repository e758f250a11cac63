"""Shared by the block voxel formats: the mesh on which they are painted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nst3d.errors import InputError
from nst3d.formats.meshes.textures import PLAIN_GREY
from nst3d.representations.mesh import Instance, Material, Mesh, Part, unit_frame

_MOST_SIDES = 3_000_000
"""Most exposed faces of voxels that can be painted; each becomes two triangles."""


def check_sides(path: Path, count: int) -> None:
    """Raise InputError if voxels have more exposed faces than can be painted."""
    if count > _MOST_SIDES:
        raise InputError(
            f"{path}: its voxels have {count} exposed faces, at most {_MOST_SIDES} can be painted"
        )


def block_mesh(
    parts: tuple[Part, ...],
    instances: tuple[Instance, ...],
    document: Any,
    y_up: bool = False,
    notes: tuple[str, ...] = (),
) -> Mesh:
    """A mesh of voxel parts; up is +z and front −y, or +y and +z."""
    coloured = any(p.colours is not None for p in parts)
    return Mesh(
        parts=parts,
        instances=instances,
        materials=(Material("voxels", (1.0, 1.0, 1.0) if coloured else PLAIN_GREY, double_sided=False),),
        textures=(),
        frame=unit_frame(parts, instances),
        up=(0.0, 1.0, 0.0) if y_up else (0.0, 0.0, 1.0),
        front=(0.0, 0.0, 1.0) if y_up else (0.0, -1.0, 0.0),
        notes=notes,
        document=document,
    )
