"""Subdivision of a triangle mesh until its edges are short, without T-junctions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nst3d.representations.mesh import Mesh, Part, largest_placements
from nst3d.representations.paint import VertexPaint
from nst3d.tensors import Array

_ROUNDS = 12


def paint_vertices(mesh: Mesh, edge: float, max_vertices: int) -> VertexPaint:
    """Vertex paint with parts subdivided until placed edges are at most `edge` normalised units long.

    Subdivision stops before the whole mesh exceeds about `max_vertices` vertices.
    """
    total = sum(len(p.vertices) for p in mesh.parts)
    parts = []
    for part, longest in zip(mesh.parts, _in_parts(mesh, edge)):
        share = len(part.vertices) / total if total else 0.0
        parts.append(subdivide(part, longest, _budget(part, share, max_vertices)))
    counts = [p.num_paint_rows for p in parts]
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(int)
    return VertexPaint(tuple(parts), tuple(int(o) for o in offsets))


def even_parts(
    mesh: Mesh, edge: float, max_vertices: int
) -> tuple[tuple[Part, ...], tuple[tuple[Array, ...], ...]]:
    """Parts subdivided until placed edges are at most `edge` normalised units, and the rounds of each part.

    All have the same edge length, so that parts that share an edge stay joined when vertices move. It is
    longer than `edge` if that would exceed `max_vertices`; a mesh that already has as many is unchanged.
    """
    if sum(len(p.vertices) for p in mesh.parts) >= max_vertices:
        return mesh.parts, tuple(() for _ in mesh.parts)
    while True:
        # A round at most quadruples the vertices, so a part that stops at this limit exceeds `max_vertices`.
        found = [subdivided(p, e, 4 * max_vertices) for p, e in zip(mesh.parts, _in_parts(mesh, edge))]
        if sum(len(part.vertices) for part, _ in found) <= max_vertices:
            return tuple(part for part, _ in found), tuple(rounds for _, rounds in found)
        edge *= 1.5


def _in_parts(mesh: Mesh, edge: float) -> list[float]:
    """A normalised length in each part's own units, at its largest placement."""
    stretches = np.linalg.norm([i.transform[:3, :3] for i in mesh.instances], 2, axis=(-2, -1))
    lengths: list[float] = (edge / (mesh.frame.scale * largest_placements(mesh, stretches))).tolist()
    return lengths


def _budget(part: Part, share: float, max_vertices: int) -> int:
    """A part's share of the vertex budget: at least four times its vertices, to give small parts detail."""
    return max(int(max_vertices * max(share, 0.05)), 4 * len(part.vertices))


def subdivide(part: Part, edge: float, max_vertices: int = 2_000_000) -> Part:
    """The part with every edge longer than `edge` (part units) halved repeatedly.

    Each round splits long edges at their middle and re-triangulates the faces around them into two,
    three or four, so neighbours always agree (no T-junctions). Normals, vertex colours with their alpha
    and corner UVs are interpolated. Ends early if another round would exceed `max_vertices`. Voxels are unchanged.
    """
    return subdivided(part, edge, max_vertices)[0]


def subdivided(part: Part, edge: float, max_vertices: int) -> tuple[Part, tuple[Array, ...]]:
    """The result of `subdivide`, and the ends (n, 2) of the edges split in each round, in vertex order."""
    if part.cells is not None or np.isinf(edge):
        return part, ()
    rounds = []
    for _ in range(_ROUNDS):
        edges, edge_of_face = _unique_edges(part.faces)
        length = np.linalg.norm(part.vertices[edges[:, 0]] - part.vertices[edges[:, 1]], axis=1)
        long = length > edge
        if not long.any() or len(part.vertices) + long.sum() > max_vertices:
            break
        part = _split_round(part, edges, edge_of_face, long)
        rounds.append(edges[long])
    return part, tuple(rounds)


def with_middles(values: Array, rounds: Sequence[Array]) -> Array:
    """Values (v, c) of a part's vertices, extended to the edge midpoints added by `subdivided`."""
    for cut in rounds:
        values = _with_middles(values, cut)
    return values


def _unique_edges(faces: Array) -> tuple[Array, Array]:
    """Undirected edges (e, 2) and, for each face, the indices of its edges 01, 12, 20."""
    pairs = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64), axis=1)
    keys = pairs[:, 0] * (int(faces.max()) + 1) + pairs[:, 1]
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return pairs[first], inverse.reshape(-1, 3)


def _split_round(part: Part, edges: Array, edge_of_face: Array, long: Array) -> Part:
    cut = edges[long]
    middle = np.full(len(edges), -1, np.int64)
    middle[long] = len(part.vertices) + np.arange(len(cut))
    corners, source = _new_corners(edge_of_face, long)
    ids = np.concatenate([part.faces, middle[edge_of_face]], axis=1)
    faces = np.take_along_axis(ids[source], corners, 1).astype(np.int32)
    uvs = part.uvs
    if uvs is not None:
        six = np.concatenate([uvs, (uvs + uvs[:, [1, 2, 0]]) / 2], axis=1)
        uvs = np.take_along_axis(six[source], corners[..., None], 1)
    return replace(
        part,
        vertices=_with_middles(part.vertices, cut),
        faces=faces,
        uvs=uvs,
        normals=None if part.normals is None else _with_middles(part.normals, cut, unit=True),
        colours=None if part.colours is None else _with_middles(part.colours, cut),
        alphas=None if part.alphas is None else _with_middles(part.alphas[:, None], cut)[:, 0],
        groups=None if part.groups is None else part.groups[source],
    )


def _with_middles(values: Array, cut: Array, unit: bool = False) -> Array:
    middles = (values[cut[:, 0]] + values[cut[:, 1]]) / 2
    if unit:
        middles = middles / np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-12)
    return np.concatenate([values, middles.astype(values.dtype)])


# New faces by which of the edges 01, 12, 20 are split, with edge midpoints as corners 3, 4, 5.
_PATTERNS: dict[tuple[bool, bool, bool], list[tuple[int, int, int]]] = {
    (False, False, False): [(0, 1, 2)],
    (True, False, False): [(0, 3, 2), (3, 1, 2)],
    (False, True, False): [(0, 1, 4), (0, 4, 2)],
    (False, False, True): [(0, 1, 5), (5, 1, 2)],
    (True, True, False): [(3, 1, 4), (0, 3, 4), (0, 4, 2)],
    (False, True, True): [(4, 2, 5), (1, 4, 5), (0, 1, 5)],
    (True, False, True): [(0, 3, 5), (3, 1, 2), (3, 2, 5)],
    (True, True, True): [(0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)],
}


def _new_corners(edge_of_face: Array, long: Array) -> tuple[Array, Array]:
    """Corners (k, 3) among each old face's six points, and the old face of each (k,)."""
    marks = long[edge_of_face]
    corners, source = [], []
    for pattern, triangles in _PATTERNS.items():
        here = np.flatnonzero((marks == pattern).all(1))
        for triangle in triangles:
            corners.append(np.broadcast_to(np.array(triangle), (len(here), 3)))
            source.append(here)
    order = np.argsort(np.concatenate(source), kind="stable")
    return np.concatenate(corners)[order], np.concatenate(source)[order]
