"""A mesh with moving vertices: seams are welded to move, split again for the file, and normals recomputed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nst3d.representations.mesh import Mesh, Part, unit_frame
from nst3d.representations.rows import unique_rows
from nst3d.representations.surface import Surface
from nst3d.representations.triangles import unit
from nst3d.tensors import Array

_SAME_PLACE = 1e7
"""Inverse of the grid spacing (unit sphere) to which positions are rounded for merging vertices."""
_SAME_NORMAL = 10
"""Steps per unit to which normals are rounded; corners of a vertex with equal rounded normals are smooth."""


@dataclass(frozen=True)
class Welded:
    """A surface's distinct points, and the independent offsets that move them."""

    positions: Array
    """(s, 3) float64, unit sphere."""
    faces: Array
    """(f, 3) int64 rows of positions; faces in the surface's order."""
    corners: Array
    """(f, 3) int64: index of each corner's normal."""
    row: Array
    """(s,) int64: index of each point's offset; instances of a part share theirs."""
    linear: Array | None
    """(s, 3, 3): linear map from an offset to a point's displacement; None: identity."""
    of_part: tuple[Array, ...]
    """For each part (v,) int64: index of each vertex's offset."""
    corners_of_part: tuple[Array, ...]
    """For each part (f, 3) int64: indices of the normals of its faces' corners."""

    @property
    def num_offsets(self) -> int:
        """Number of offsets."""
        return int(self.row.max()) + 1


def weld_mesh(mesh: Mesh, surface: Surface) -> Welded:
    """The welded points of a mesh, given its surface (`build_surface`, faces in the same order).

    Points at the same position are merged, across parts and UV seams, so that nothing tears. A part with
    several instances moves the same way in all of them, and is only welded to itself.
    """
    shown = np.bincount([i.part for i in mesh.instances], minlength=len(mesh.parts))
    first = {i.part: n for n, i in reversed(list(enumerate(mesh.instances)))}
    keys, free, turns, firsts = [], [], [], []
    for number, instance in enumerate(mesh.instances):
        part = mesh.parts[instance.part]
        placed = part.vertices @ instance.transform[:3, :3].T + instance.transform[:3, 3]
        placed = mesh.frame.apply(placed)
        several = shown[instance.part] > 1
        places = np.round((part.vertices * mesh.frame.scale if several else placed) * _SAME_PLACE)
        keys.append(np.column_stack([np.full(len(placed), number + 1 if several else 0), places]))
        free.append(np.column_stack([np.full(len(placed), instance.part + 1 if several else 0), places]))
        base = mesh.instances[first[instance.part]].transform[:3, :3]
        turn = instance.transform[:3, :3] @ np.linalg.pinv(base) if several else np.eye(3)
        turns.append(np.broadcast_to(turn, (len(placed), 3, 3)))
        firsts.append(placed)
    one, point = unique_rows(np.concatenate(keys))
    _, row = unique_rows(np.concatenate(free))
    faces = point[surface.faces]
    rounded = np.round(surface.normals.reshape(-1, 3) * _SAME_NORMAL)
    corners = unique_rows(np.column_stack([faces.reshape(-1), rounded]))[1].reshape(-1, 3)
    starts = np.cumsum([0, *(len(f) for f in firsts)])
    face_starts = np.cumsum([0, *(len(mesh.parts[i.part].faces) for i in mesh.instances)])
    parts = range(len(mesh.parts))
    return Welded(
        positions=np.concatenate(firsts)[one],
        faces=faces,
        corners=corners,
        row=row[one],
        linear=np.concatenate(turns)[one] if (shown > 1).any() else None,
        of_part=tuple(row[starts[first[p]] : starts[first[p] + 1]] for p in parts),
        corners_of_part=tuple(corners[face_starts[first[p]] : face_starts[first[p] + 1]] for p in parts),
    )


def displaced(mesh: Mesh, welded: Welded, offsets: Array, split: bool = True) -> Mesh:
    """The mesh with its points moved by `offsets` (n, 3), unit sphere, and new normals, without its document.

    Parts whose offsets are all 0 keep their vertices exactly. A part that came without normals is split into
    the vertices that its creases need; without `split` it keeps its vertices, and has no normals if it has
    creases.
    """
    transforms = {i.part: i.transform[:3, :3] for i in reversed(mesh.instances)}
    parts = []
    for number, part in enumerate(mesh.parts):
        corners = welded.corners_of_part[number]
        own = offsets[welded.of_part[number]].astype(np.float64) / mesh.frame.scale
        moved = replace(part, vertices=part.vertices + own @ np.linalg.pinv(transforms[number]).T)
        parts.append(_with_normals(part, moved, corners, split))
    frame = unit_frame(tuple(parts), mesh.instances)
    return replace(mesh, parts=tuple(parts), frame=frame, document=None)


def _with_normals(part: Part, moved: Part, corners: Array, split: bool) -> Part:
    """The moved part with area-weighted mean face normals: smooth edges stay smooth and creases sharp."""
    number = np.full(len(part.vertices), -1)
    number[part.faces.ravel()] = corners.ravel()
    after = _mean_normals(moved, corners)
    if part.normals is not None:
        # In some files normals oppose the winding of their faces.
        against = (_mean_normals(part, corners)[number] * part.normals).sum(1, keepdims=True) < 0
        made = np.where(against, -after[number], after[number])
        return replace(moved, normals=np.where((number < 0)[:, None], part.normals, made).astype(np.float32))
    if (number[part.faces] == corners).all():
        return replace(moved, normals=after[number].astype(np.float32))
    if not split:
        return moved
    pairs = np.column_stack([part.faces.ravel(), corners.ravel()])
    first, group = unique_rows(pairs)
    rows, normals = pairs[first].T
    return replace(
        moved,
        vertices=moved.vertices[rows],
        faces=group.reshape(-1, 3).astype(np.int32),
        normals=after[normals].astype(np.float32),
        colours=None if part.colours is None else part.colours[rows],
        alphas=None if part.alphas is None else part.alphas[rows],
    )


def _mean_normals(part: Part, corners: Array) -> Array:
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    total = np.zeros((int(corners.max()) + 1, 3))
    for k in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(corners[:, k], cross[:, axis], len(total))
    return unit(total)
