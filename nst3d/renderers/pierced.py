"""Where a surface runs through itself, near or far."""

from __future__ import annotations

import numpy as np

from nst3d.renderers.raycast import Raycaster
from nst3d.tensors import Array

_SHORTER = 1e-3
"""How much of an edge is left out at each end, where its own faces are."""


def pierced_by(positions: Array, faces: Array, edges: Array, caster: Raycaster) -> Array:
    """Whether edges (e, 2) of positions (v, 3) run through a face (f, 3) of which they touch no corner, (e,) bool.

    `caster` holds those faces. Only the first face on an edge's way is asked: for a count it is enough.
    """
    start, end = (positions[edges[:, k]].astype(np.float64) for k in range(2))
    along = end - start
    hits = caster.cast(start + _SHORTER * along, (1 - 2 * _SHORTER) * along)
    found = (hits.face >= 0) & (hits.depth < 1)
    met = faces[np.maximum(hits.face, 0)]
    own = (met[:, :, None] == edges[:, None, :]).any((1, 2))
    return found & ~own
