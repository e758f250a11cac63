"""Seams: colours that jump where a texture is cut."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array

_LEVEL = 1 / 255


def seam_error(
    across: Array, inside: Array, across_lengths: Array | None = None, inside_lengths: Array | None = None
) -> float | None:
    """How much larger the jump of colours is across cuts than inside of islands: 1 if no seam can be seen.

    `across` (m, 2, 3) and `inside` (k, 2, 3) are the colours, RGB in [0, 1], of pairs of points the same way apart,
    with a cut between them and without; `lengths` (m,) and (k,) weigh them. It is the ratio of their mean distances,
    to each of which one level of 8 bits is added, so that flat colours have 1. Paint that changes from texel to texel
    reads up to 1.2 without a seam, as texels on both sides of a cut share no neighbour. None without pairs that count.
    """
    sizes = [_jump(across, across_lengths), _jump(inside, inside_lengths)]
    if sizes[0] is None or sizes[1] is None:
        return None
    return (sizes[0] + _LEVEL) / (sizes[1] + _LEVEL)


def _jump(pairs: Array, lengths: Array | None) -> float | None:
    """The mean distance of the two colours of pairs (n, 2, 3), by weight; None if none has a weight."""
    weights = np.ones(len(pairs)) if lengths is None else np.asarray(lengths, np.float64)
    if not weights.sum() > 0:
        return None
    return float(np.average(np.linalg.norm(pairs[:, 0] - pairs[:, 1], axis=1), weights=weights))
