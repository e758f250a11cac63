"""Repainting a field's spherical harmonics."""

from __future__ import annotations

import numpy as np

from nst3d.representations.harmonics import faded, from_colours, to_colours
from nst3d.tensors import Array, Share


def painted_harmonics(harmonics: Array, colours: Array | None, specular: Share) -> Array:
    """Harmonics (n, k, 3) float32, the constant terms from `colours` (n, 3), the higher ones × `specular`, a number or
    one per row (n,).

    Rows whose colours are already bit-identical stay unchanged; with None, all do.
    """
    painted = harmonics.astype(np.float32)
    if colours is not None:
        same = colours == to_colours(harmonics[:, 0])
        constant = from_colours(colours.astype(np.float64)).astype(np.float32)
        painted[:, 0] = np.where(same, painted[:, 0], constant)
    painted[:, 1:] = faded(painted[:, 1:], specular)
    return painted
