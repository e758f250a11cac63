"""Finds the faces of a mesh that a view should frame, and strays far away from them."""

from __future__ import annotations

import numpy as np

from nst3d.representations.triangles import face_areas
from nst3d.tensors import Array

_GAP = 5.0
"""Ratio of the distances of the nearest stray and of the farthest other point from the middle."""
_FEW = 0.1
"""Largest share of the faces, and of their area, that strays may have."""


def strays(positions: Array, faces: Array) -> Array | None:
    """Whether each face (f, 3) of placed points (v, 3) is a stray, (f,) bool; None: there are none.

    Strays are at most a tenth of the faces and of the area, at least five times as far from the middle as anything
    else, with nothing in between: what a slip of the hand leaves behind, not a part of what is shown.
    """
    with np.errstate(invalid="ignore"):  # broken vertices, before they are repaired
        middle = np.median(positions[faces[:, 0]], axis=0)
        away = np.linalg.norm(positions - middle, axis=1)
    reach = away[faces].max(1)
    most = int(_FEW * len(faces))
    if not most:
        return None
    # Few faces are strays, so that these belong to the rest.
    rest = np.partition(reach, len(reach) - most - 1)[len(reach) - most - 1]
    if not reach.max() > _GAP * rest:
        return None
    order = np.argsort(reach, kind="stable")
    gaps = np.flatnonzero(reach[order[1:]] > _GAP * reach[order[:-1]]) + 1
    areas = face_areas(positions, faces)
    beyond = np.cumsum(areas[order][::-1])[::-1]
    for start in gaps:
        if len(faces) - start <= most and beyond[start] <= _FEW * beyond[0]:
            found = np.zeros(len(faces), bool)
            found[order[start:]] = True
            return found
    return None
