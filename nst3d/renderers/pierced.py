"""Self-intersections of a surface."""

from __future__ import annotations

import numpy as np

from nst3d.renderers.raycast import Raycaster
from nst3d.tensors import Array

_SHORTER = 1e-3
"""Fraction of an edge skipped at each end, next to its own faces."""


def pierced_by(positions: Array, faces: Array, edges: Array, caster: Raycaster) -> Array:
    """Whether edges (e, 2) of positions (v, 3) pass through faces (f, 3) they do not touch, (e,) bool.

    `caster` contains those faces. Only the first face along an edge is tested, which is enough for counting.
    """
    start, end = (positions[edges[:, k]].astype(np.float64) for k in range(2))
    along = end - start
    hits = caster.cast(start + _SHORTER * along, (1 - 2 * _SHORTER) * along)
    found = (hits.face >= 0) & (hits.depth < 1)
    met = faces[np.maximum(hits.face, 0)]
    own = (met[:, :, None] == edges[:, None, :]).any((1, 2))
    return found & ~own
