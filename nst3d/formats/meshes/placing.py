"""A painted mesh as plain geometry: every instance's triangles in scene coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.representations.mesh import Mesh, Part
from nst3d.representations.paint import MeshPaint, TexturePaint
from nst3d.representations.triangles import turned_normals, unit
from nst3d.tensors import Array


@dataclass(frozen=True)
class Placed:
    """One instance, in scene coordinates."""

    name: str
    vertices: Array
    """(v, 3) float64; exactly the part's own if the transform is the identity."""
    faces: Array
    """(f, 3) integers."""
    normals: Array | None
    """(v, 3) unit vectors."""
    uvs: Array | None
    """(f, 3, 2) corner UVs: the paint's, or the part's own under vertex paint."""
    colours: Array | None
    """(v, 3) in [0, 1] under vertex paint."""


def placed(mesh: Mesh, paint: MeshPaint, colours: Array) -> list[Placed]:
    """All instances of a painted mesh; the faces of mirrored ones are flipped to face outwards."""
    result = []
    for instance in mesh.instances:
        uvs: Array | None
        own: Array | None = None
        if isinstance(paint, TexturePaint):
            part, uvs = mesh.parts[instance.part], paint.uvs[instance.part]
        else:
            part = paint.parts[instance.part]
            uvs, own = part.uvs, np.clip(paint.at_vertices(instance.part, colours), 0, 1)
        result.append(_place(instance.name or part.name, part, instance.transform, uvs, own))
    return result


def _place(name: str, part: Part, transform: Array, uvs: Array | None, colours: Array | None) -> Placed:
    linear, faces, normals = transform[:3, :3], part.faces, part.normals
    vertices = part.vertices
    if not np.array_equal(transform, np.eye(4)):
        vertices = vertices @ linear.T + transform[:3, 3]
        normals = None if normals is None else unit(turned_normals(normals, linear))
        if np.linalg.det(linear) < 0:
            faces = faces[:, ::-1]
            uvs = None if uvs is None else uvs[:, ::-1]
    return Placed(name, vertices, faces, normals, uvs, colours)
