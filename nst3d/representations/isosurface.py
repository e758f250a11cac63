"""The zero surface of a sampled function, as triangles, and its connected components."""

from __future__ import annotations

import numpy as np

from nst3d.kernels import kernel
from nst3d.representations.rows import used_rows
from nst3d.tensors import Array


def surface_nets(values: Array) -> tuple[Array, Array]:
    """The zero surface of values (X, Y, Z) on a grid: vertices (v, 3) in node coordinates, faces (f, 3).

    Positive values are outside, where the faces point; NaN is unknown, and the surface is open there. Naive
    surface nets (Gibson 1998, "Constrained elastic surface nets"): each cell with a sign change has a vertex
    at the mean of its edges' crossings, and each such edge a quad, split along its shorter diagonal. The
    results are float64 and int32; both are empty without a sign change.
    """
    values = np.ascontiguousarray(values, np.float32)
    if min(values.shape) < 2:
        return np.empty((0, 3)), np.empty((0, 3), np.int32)
    cells = np.full([n - 1 for n in values.shape], -1, np.int32)
    vertices = np.empty((_number_cells(values, cells), 3))
    _place_vertices(values, cells, vertices)
    quads = np.empty((_collect_quads(values, cells, np.empty((0, 4), np.int32)), 4), np.int32)
    _collect_quads(values, cells, quads)
    return vertices, _cut(vertices, quads)


def without_crumbs(vertices: Array, faces: Array, smallest: int) -> tuple[Array, Array]:
    """The mesh without connected components of fewer than `smallest` faces; the largest is always kept."""
    if not len(faces):
        return vertices, faces
    piece = pieces(len(vertices), faces)[faces[:, 0]]
    counts = np.bincount(piece)
    kept = faces[counts[piece] >= min(smallest, counts.max())]
    used, renumbered = used_rows(len(vertices), kept)
    return vertices[used], renumbered


def pieces(count: int, faces: Array) -> Array:
    """For each of `count` vertices the lowest vertex connected to it by faces (f, 3), (count,)."""
    parent = np.arange(count, dtype=np.int64)
    _unite(np.ascontiguousarray(faces), parent)
    return parent


def smoothed(vertices: Array, faces: Array, rounds: int) -> Array:
    """Vertices (v, 3) smoothed without shrinking: moved towards the mean of their neighbours and back.

    Taubin 1995, "A signal processing approach to fair surface design", with λ = 0.5 and μ = −0.53.
    """
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    a, b = np.concatenate([edges, edges[:, ::-1]]).T  # inner edges count twice, which leaves means unchanged
    count = np.maximum(np.bincount(a, minlength=len(vertices)), 1)
    for _ in range(rounds):
        for share in (0.5, -0.53):
            sums = [np.bincount(a, vertices[b, axis], len(vertices)) for axis in range(3)]
            means = np.stack(sums, axis=1) / count[:, None]
            vertices = vertices + share * np.where(count[:, None] > 1, means - vertices, 0)
    return vertices


def _cut(vertices: Array, quads: Array) -> Array:
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    first = ((a - c) ** 2).sum(1) <= ((b - d) ** 2).sum(1)
    along = np.where(first[:, None], [0, 1, 2, 0, 2, 3], [1, 2, 3, 1, 3, 0])
    return np.take_along_axis(quads, along, axis=1).reshape(-1, 3)


@kernel()
def _unite(faces, parent):  # type: ignore[no-untyped-def]
    """Union-find; the root of a component is its lowest vertex."""
    for f in range(len(faces)):
        for k in range(1, 3):
            a, b = faces[f, 0], faces[f, k]
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = parent[a]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            parent[max(a, b)] = min(a, b)
    for i in range(len(parent)):
        parent[i] = parent[parent[i]]


@kernel()
def _number_cells(values, cells):  # type: ignore[no-untyped-def]
    """Number the cells whose eight corners are known and differ in sign; returns the count."""
    count = 0
    for x in range(cells.shape[0]):
        for y in range(cells.shape[1]):
            for z in range(cells.shape[2]):
                inside, known = 0, True
                for corner in range(8):
                    value = values[x + (corner & 1), y + ((corner >> 1) & 1), z + (corner >> 2)]
                    known &= not np.isnan(value)
                    inside += value < 0
                if known and 0 < inside < 8:
                    cells[x, y, z] = count
                    count += 1
    return count


@kernel()
def _place_vertices(values, cells, vertices):  # type: ignore[no-untyped-def]
    for x in range(cells.shape[0]):
        for y in range(cells.shape[1]):
            for z in range(cells.shape[2]):
                if cells[x, y, z] < 0:
                    continue
                total = np.zeros(3)
                crossings = 0
                for corner in range(8):
                    low = np.array([x + (corner & 1), y + ((corner >> 1) & 1), z + (corner >> 2)])
                    for axis in range(3):
                        if (corner >> axis) & 1:
                            continue
                        high = low.copy()
                        high[axis] += 1
                        a, b = values[low[0], low[1], low[2]], values[high[0], high[1], high[2]]
                        if (a < 0) != (b < 0):
                            total += low
                            total[axis] += a / (a - b)
                            crossings += 1
                vertices[cells[x, y, z]] = total / crossings


@kernel()
def _collect_quads(values, cells, quads):  # type: ignore[no-untyped-def]
    """Collect a quad for each edge with a sign change between four cells with vertices; returns the count.

    Fills `quads` up to its length.
    """
    count = 0
    step = np.eye(3, dtype=np.int64)
    for x in range(cells.shape[0]):
        for y in range(cells.shape[1]):
            for z in range(cells.shape[2]):
                if cells[x, y, z] < 0:
                    continue
                for axis in range(3):
                    # The edge that starts at this cell's lowest corner, and the cells around it.
                    u, v = step[(axis + 1) % 3], step[(axis + 2) % 3]
                    i, j = np.array([x, y, z]) - u, np.array([x, y, z]) - v
                    k = i - v
                    if k.min() < 0 or i.min() < 0 or j.min() < 0:
                        continue
                    end = values[x + step[axis, 0], y + step[axis, 1], z + step[axis, 2]]
                    if (values[x, y, z] < 0) == (end < 0):
                        continue
                    a, b = cells[x, y, z], cells[i[0], i[1], i[2]]
                    c, d = cells[k[0], k[1], k[2]], cells[j[0], j[1], j[2]]
                    if min(a, b, c, d) < 0:
                        continue
                    if count < len(quads):
                        quads[count, 0], quads[count, 2] = a, c
                        outward = values[x, y, z] < 0
                        quads[count, 1] = b if outward else d
                        quads[count, 3] = d if outward else b
                    count += 1
    return count
