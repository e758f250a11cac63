"""Cleaning a scan before painting: options and plan; the work itself is done by an integration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.formats.meshes.placing import placed
from nst3d.representations.appearance import is_bare, vertex_colours
from nst3d.representations.mesh import Instance, Material, Mesh, Part, unit_frame
from nst3d.representations.scan_faults import scan_faults
from nst3d.representations.subdivide import paint_vertices
from nst3d.tensors import Array


@dataclass(frozen=True)
class OneMesh:
    """A one-part mesh, in scene coordinates."""

    vertices: Array
    """(v, 3) float64."""
    faces: Array
    """(f, 3) int32."""
    colours: Array | None
    """(v, 3) in [0, 1], sRGB-encoded; None: no colours."""


def as_one(mesh: Mesh) -> OneMesh:
    """All instances of a mesh merged; textures and factors become vertex colours."""
    paint = paint_vertices(mesh, np.inf, 0)
    colours = vertex_colours(mesh, paint)
    items = placed(mesh, paint, colours)
    starts = np.cumsum([0, *(len(i.vertices) for i in items)])
    shades = np.concatenate([i.colours for i in items if i.colours is not None])
    return OneMesh(
        np.concatenate([i.vertices for i in items]),
        np.concatenate([i.faces + s for i, s in zip(items, starts)]).astype(np.int32),
        None if is_bare(mesh) else shades,
    )


def clean_plan(mesh: Mesh) -> list[str]:
    """What cleaning would do, and the holes it would leave, one line each; empty for voxels."""
    if any(p.cells is not None for p in mesh.parts):
        return []
    vertices, faces, start = [], [], 0
    for instance in mesh.instances:
        part, transform = mesh.parts[instance.part], instance.transform
        vertices.append(part.vertices @ transform[:3, :3].T + transform[:3, 3])
        faces.append(part.faces.astype(np.int64) + start)
        start += len(part.vertices)
    faults = scan_faults(np.concatenate(vertices), np.concatenate(faces))
    work = faults.work()
    return [f"`clean` would {work}" if work else "`clean` would find nothing to do", faults.hole_line()]


def from_one(
    one: OneMesh, name: str, up: tuple[float, float, float], front: tuple[float, float, float]
) -> Mesh:
    """A new one-part asset, grey if there are no colours."""
    colours = None if one.colours is None else np.clip(one.colours, 0, 1).astype(np.float32)
    part = Part(name, one.vertices, one.faces, 0, colours=colours)
    parts, instances = (part,), (Instance(0, name=name),)
    grey = (1.0, 1.0, 1.0) if colours is not None else (0.7, 0.7, 0.7)
    return Mesh(parts, instances, (Material("material", grey),), (), unit_frame(parts, instances), up, front)
