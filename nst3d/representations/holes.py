"""Finds the holes in a mesh, and closes small ones."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array


def closed_holes(vertices: Array, faces: Array, longest: int) -> tuple[Array, Array]:
    """The mesh with every hole of at most `longest` edges filled by a fan around the mean of its rim.

    Rims that touch themselves at a vertex stay open, as do larger ones, which are the surface's border.
    Vertices are (v, 3) and faces (f, 3); new ones are appended.
    """
    rims = [rim for rim in rims_of(faces) if 3 <= len(rim) <= longest]
    if not rims:
        return vertices, faces
    centres = np.array([vertices[rim].mean(0) for rim in rims])
    fans = [
        np.stack([np.roll(rim, -1), rim, np.full(len(rim), len(vertices) + k)], axis=1)
        for k, rim in enumerate(rims)
    ]
    return np.concatenate([vertices, centres]), np.concatenate([faces, *fans]).astype(faces.dtype)


def rims_of(faces: Array) -> list[Array]:
    """Closed loops of edges with only one face, in that face's direction."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    count = int(edges.max()) + 1 if len(edges) else 0
    keys = edges.min(1) * count + edges.max(1)
    _, first, uses = np.unique(keys, return_index=True, return_counts=True)
    open_edges = edges[first[uses == 1]]
    crossing = np.bincount(open_edges[:, 0], minlength=count) > 1
    follow = {int(a): int(b) for a, b in open_edges if not crossing[a]}
    rims = []
    while follow:
        start, here = follow.popitem()
        rim = [start]
        while here != start and here in follow:
            rim.append(here)
            here = follow.pop(here)
        if here == start:
            rims.append(np.array(rim))
    return rims
