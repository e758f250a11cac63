"""Contents and problems of a mesh, in sentences for the user."""

from __future__ import annotations

import numpy as np

from nst3d.representations.mesh import Mesh, Part, stray_faces
from nst3d.representations.rows import unique_rows
from nst3d.representations.triangles import uv_areas
from nst3d.tensors import Array

_FAR = 1e3
_SMALL, _LARGE = 1e-3, 1e5
_INWARD = 0.8


def problems(mesh: Mesh) -> list[str]:
    """Problems of a mesh, one line each; empty if there are none.

    These are the loader's notes, strays far away, coordinates that are huge, tiny or far from the origin, open and
    non-manifold edges, and faces that point inwards. Edges are those of the placed scene, with vertices at
    exactly the same position merged.
    """
    if any(p.cells is not None for p in mesh.parts):  # voxels that touch along an edge are not a problem
        return [*mesh.notes, *far_away(mesh), *_coordinates(mesh)]
    return [*mesh.notes, *far_away(mesh), *_coordinates(mesh), *_topology(*_placed(mesh))]


def far_away(mesh: Mesh) -> tuple[str, ...]:
    """A sentence that names the strays that lie too far away to be framed; none without strays."""
    far = stray_faces(mesh.parts, mesh.instances)
    if far is None:
        return ()
    names = [i.name or mesh.parts[i.part].name for i, own in zip(mesh.instances, far) if own.any()]
    named = _listed(list(dict.fromkeys(name or "(no name)" for name in names)))
    count = sum(int(own.sum()) for own in far)
    return (
        f"faces far away from all others, in {named}: {count} of {mesh.num_faces}; they stay in the result, but"
        " views do not frame them; delete them if they are a mistake",
    )


def contents(mesh: Mesh) -> list[str]:
    """Counts, size, materials, textures and UVs of a mesh, one line each."""
    vertices = sum(len(mesh.parts[i.part].vertices) for i in mesh.instances)
    textures = [f"{t.name} ({t.pixels.shape[1]}x{t.pixels.shape[0]})" for t in mesh.textures]
    names = [m.name or "(no name)" for m in mesh.materials]
    amounts = f"parts: {len(mesh.parts)}, instances: {len(mesh.instances)}"
    lines = [
        f"faces: {mesh.num_faces}, vertices: {vertices}, {amounts}",
        f"diagonal: {2 / mesh.frame.scale:.4g}, centre: {_point(mesh.frame.centre)}",
        f"materials: {len(names)} ({_listed(names)})",
        f"textures: {len(textures)}{f' ({_listed(textures)})' if textures else ''}",
    ]
    if any(p.colours is not None for p in mesh.parts):
        lines.append("vertex colours: yes")
    voxels = [p.num_paint_rows for p in mesh.parts if p.cells is not None]
    return [*lines, f"voxels: {sum(voxels)} with an open side" if voxels else _uv_state(mesh.parts)]


def _uv_state(parts: tuple[Part, ...]) -> str:
    having = [p.uvs for p in parts if p.uvs is not None]
    if not having:
        return "UVs: none"
    faces = sum(len(u) for u in having)
    outside = sum(int(((u < -1e-6) | (u > 1 + 1e-6)).any((1, 2)).sum()) for u in having)
    flat = sum(int((uv_areas(u) == 0).sum()) for u in having)
    text = f"UVs: on {len(having)} of {len(parts)} parts"
    text += f", faces: {outside} of {faces} reach outside [0, 1]" if outside else ""
    return text + (f", faces: {flat} of {faces} have no area" if flat else "")


def _coordinates(mesh: Mesh) -> list[str]:
    diagonal = 2 / mesh.frame.scale
    offset = float(np.linalg.norm(mesh.frame.centre))
    lines = []
    if not _SMALL <= diagonal <= _LARGE:
        size = "tiny" if diagonal < _SMALL else "huge"
        lines.append(f"the coordinates are {size} (diagonal {diagonal:.3g}); they are kept in the result")
    if offset > _FAR * diagonal:
        lines.append(f"the mesh is {offset:.4g} from the origin; its position is kept in the result")
    return lines


def _placed(mesh: Mesh) -> tuple[Array, Array]:
    """Normalised vertices and faces of the whole scene, with equal positions in a part merged."""
    welded = [unique_rows(p.vertices) for p in mesh.parts]
    vertices, faces, offset = [], [], 0
    for instance in mesh.instances:
        part = mesh.parts[instance.part]
        first, group = welded[instance.part]
        points = part.vertices[first] @ instance.transform[:3, :3].T + instance.transform[:3, 3]
        vertices.append(mesh.frame.apply(points))
        faces.append(group[part.faces] + offset)
        offset += len(first)
    points, triangles = np.concatenate(vertices), np.concatenate(faces)
    if len(mesh.instances) > 1:
        first, group = unique_rows(points)
        points, triangles = points[first], group[triangles]
    return points, triangles


def _topology(points: Array, faces: Array) -> list[str]:
    following = faces[:, [1, 2, 0]]
    keys = np.minimum(faces, following) * len(points) + np.maximum(faces, following)
    ordered = np.sort(keys.ravel())
    uses = np.diff(np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])))
    open_edges, crowded = int((uses == 1).sum()), int((uses > 2).sum())
    lines = []
    if open_edges:
        lines.append(f"open edges (holes, or a surface without thickness): {open_edges}")
    if crowded:
        lines.append(f"non-manifold edges (more than two faces meet): {crowded}")
    if _inside_out(points, faces, closed=not open_edges):
        lines.append("most faces point inwards (inside out); harmless, because both sides are painted")
    return lines


def _inside_out(points: Array, faces: Array, closed: bool) -> bool:
    """Whether a closed mesh has negative volume, or most of an open mesh's area faces its middle."""
    points = points - (points.min(0) + points.max(0)) / 2
    a, b, c = (points[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    outward = np.einsum("fk,fk->f", a + b + c, normals)
    if closed:
        return bool(outward.sum() < 0)
    areas = np.linalg.norm(normals, axis=1)
    return bool(areas[outward < 0].sum() > _INWARD * areas.sum())


def _listed(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _point(values: Array) -> str:
    return "(" + ", ".join(f"{v:.6g}" for v in values) + ")"
