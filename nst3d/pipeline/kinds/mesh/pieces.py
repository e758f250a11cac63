"""Finds the pieces of a surface that are shut in: nearly nothing of them is seen from outside."""

from __future__ import annotations

import numpy as np

from nst3d.kernels import kernel
from nst3d.pipeline.kinds.mesh.rig import Sights
from nst3d.representations.rows import unique_rows
from nst3d.representations.surface import Surface
from nst3d.tensors import Array

_SHUT = 0.8
"""Share of a piece that must be hidden. Of what stands on a floor of one skin, the underside is seen from below."""


def shut_in(surface: Surface, sights: Sights) -> Array:
    """Which faces belong to pieces that are shut in, (faces,) bool.

    A body that reaches into another has hidden parts, too, but shows the rest of itself.
    """
    piece = pieces_of(surface)
    assert sights.points.face is not None
    sampled = piece[sights.points.face]
    count = int(piece.max(initial=-1)) + 1
    all_of, hidden = (np.bincount(sampled, w, count) for w in (None, ~sights.reachable))
    return np.asarray(((hidden >= _SHUT * all_of) & (all_of > 0))[piece])


def pieces_of(surface: Surface) -> Array:
    """The number of each face's piece, (faces,) int: faces with corners in one place belong together."""
    first, group = unique_rows(surface.positions)
    corners = group[surface.faces].astype(np.int64)
    return np.asarray(np.unique(_roots(corners, len(first))[corners[:, 0]], return_inverse=True)[1]).ravel()


@kernel()
def _roots(faces, count):  # type: ignore[no-untyped-def]
    """One of the corners (count,) of each corner's piece, the same one for all of it."""
    above = np.arange(count)
    for face in faces:
        a = face[0]
        while above[a] != a:
            above[a] = above[above[a]]
            a = above[a]
        for b in face[1:]:
            while above[b] != b:
                above[b] = above[above[b]]
                b = above[b]
            # The lesser one is the root, so that all lie before what is below them.
            a, b = min(a, b), max(a, b)
            above[b] = a
    for i in range(count):
        above[i] = above[above[i]]
    return above
