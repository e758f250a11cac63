"""Repair of loaded meshes: broken vertices and faces are dropped and counted; the rest is unchanged."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from nst3d.errors import InputError
from nst3d.representations.mesh import Mesh, Part, unit_frame
from nst3d.representations.rows import unique_rows, used_rows
from nst3d.tensors import Array

LARGEST = 1e30
"""Coordinates beyond this count as infinite, because renderers work in float32."""
_TOLERATED = 0.01
_FLAT = 1e-12

_SENTENCES = {
    "broken": "dropped faces whose vertices are not finite numbers: {n}",
    "degenerate": "dropped degenerate faces (no area): {n}",
    "duplicate": "dropped duplicate faces: {n}",
    "uvs": "faces without usable UVs, set to (0, 0): {n}",
    "colours": "vertices without a usable colour, set to mid grey: {n}",
}


def repaired(mesh: Mesh, source: str) -> Mesh:
    """The mesh without faces that cannot be rendered, with its frame and notes updated.

    Faces are dropped if they use non-finite vertices (NaN, infinite, beyond 1e30), have no area, or repeat
    another face with the same winding; corner UVs stay aligned. Non-finite UVs and colours become (0, 0) and
    mid grey. Parts that lose all faces are dropped with their instances. Raises InputError, which begins with
    `source`, if 1 % or more of a part's faces have broken vertices, or no face is left.
    """
    counts: Counter[str] = Counter()
    kept = [_repair_part(part, source, counts) for part in mesh.parts]
    number = {old: new for new, old in enumerate(i for i, p in enumerate(kept) if p is not None)}
    parts = tuple(p for p in kept if p is not None)
    instances = tuple(replace(i, part=number[i.part]) for i in mesh.instances if i.part in number)
    if not instances:
        raise InputError(f"{source}: no faces that can be painted; check the export of the mesh")
    notes = [_SENTENCES[k].format(n=counts[k]) for k in _SENTENCES if counts[k]]
    frame = unit_frame(parts, instances)
    return replace(mesh, parts=parts, instances=instances, frame=frame, notes=(*mesh.notes, *notes))


def _repair_part(part: Part, source: str, counts: Counter[str]) -> Part | None:
    with np.errstate(invalid="ignore"):
        sound = np.abs(part.vertices).max(1) <= LARGEST
    broken = ~(sound[part.faces].min(1))
    bad = int(broken.sum())
    if bad and bad >= _TOLERATED * len(part.faces):
        raise InputError(
            f"{source}: {bad} of {len(part.faces)} faces use vertices that are not finite numbers; "
            "export the mesh again"
        )
    counts["broken"] += bad
    part = _keep(part, ~broken)
    flat = degenerate_faces(part.vertices, part.faces)
    counts["degenerate"] += int(flat.sum())
    part = _keep(part, ~flat)
    first = first_faces(part.faces)
    counts["duplicate"] += int((~first).sum())
    part = _keep(part, first)
    return _sound_attributes(part, counts) if len(part.faces) else None


def degenerate_faces(vertices: Array, faces: Array) -> Array:
    """Whether each face has no area, relative to its longest edge and in float64 precision, (f,) bool."""
    if not len(faces):
        return np.zeros(0, dtype=bool)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    ab, ac, bc = b - a, c - a, c - b
    longest = np.maximum.reduce([np.einsum("fk,fk->f", e, e) for e in (ab, ac, bc)])
    height = np.sqrt(np.where(longest > 0, longest, 1.0))[:, None]
    area = np.linalg.norm(np.cross(ab / height, ac / height), axis=1)
    return (longest == 0) | (area <= _FLAT)


def first_faces(faces: Array) -> Array:
    """Whether each face is the first with its corners in that winding, (f,) bool."""
    if not len(faces):
        return np.zeros(0, dtype=bool)
    turn = (faces.argmin(1)[:, None] + np.arange(3)) % 3
    rolled = np.take_along_axis(faces, turn, axis=1).astype(np.int64)
    # Most meshes have no duplicates, which sorting a hash once shows.
    count = np.int64(rolled.max() + 1)
    hashes = np.sort((rolled[:, 0] * count + rolled[:, 1]) * count + rolled[:, 2])
    if (hashes[1:] != hashes[:-1]).all():
        return np.ones(len(faces), dtype=bool)
    first, _ = unique_rows(np.stack([rolled[:, 0], (rolled[:, 1] << 32) | rolled[:, 2]], axis=1))
    mask = np.zeros(len(faces), dtype=bool)
    mask[first] = True
    return mask


def _keep(part: Part, mask: Array) -> Part:
    """The part with only the masked faces and the vertices they use."""
    if mask.all():
        return part
    used, faces = used_rows(len(part.vertices), part.faces[mask])
    return replace(
        part,
        vertices=part.vertices[used],
        faces=faces,
        normals=None if part.normals is None else part.normals[used],
        uvs=None if part.uvs is None else part.uvs[mask],
        colours=None if part.colours is None else part.colours[used],
        alphas=None if part.alphas is None else part.alphas[used],
        groups=None if part.groups is None else part.groups[mask],
    )


def _sound_attributes(part: Part, counts: Counter[str]) -> Part:
    uvs, colours, normals = part.uvs, part.colours, part.normals
    if uvs is not None and not np.isfinite(uvs).all():
        missing = ~np.isfinite(np.abs(uvs).max((1, 2)))
        counts["uvs"] += int(missing.sum())
        uvs = np.where(missing[:, None, None], 0.0, uvs)
    if colours is not None and not np.isfinite(colours).all():
        missing = ~np.isfinite(np.abs(colours).max(1))
        counts["colours"] += int(missing.sum())
        colours = np.where(missing[:, None], np.float32(0.5), colours)
    if normals is not None and not (np.linalg.norm(normals, axis=1) > 0).all():
        normals = None
    return replace(part, uvs=uvs, colours=colours, normals=normals)
