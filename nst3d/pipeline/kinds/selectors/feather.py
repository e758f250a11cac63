"""Softens the borders of a region."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.representations.neighbours import Neighbours
from nst3d.tensors import Array, Colours

_SAMPLES = 100
"""Rows whose nearest neighbours are measured."""
_MOST = 100_000
"""Cells along a side, so that they can be numbered."""
_LEVELS = 4
"""Parts into which weights that are neither 0 nor 1 are divided."""


def feathered(column: Colours, places: Array, width: float) -> Colours:
    """Weights (n, 1) whose borders, where rows of weight 1 and 0 meet, become ramps of a `width`.

    `places` (n, 3) are the rows' positions, in units of the width; rows at NaN stay as they are. The weight is 1/2 at
    the border, 1 from half of the width inside, and 0 from half of it outside, with a smooth step between. Distances
    are straight lines through space. A region that is soft already is the mean of its level sets, each feathered by
    itself, so that what grows stays larger. A width of 0 changes nothing.
    """
    known = np.isfinite(places).all(1)
    weights = column[:, 0].numpy()
    if width <= 0 or not known.any():
        return column
    soft = ((weights > 0) & (weights < 1)).any()
    levels = (np.arange(_LEVELS) + 0.5) / _LEVELS if soft else np.array([0.5])
    inside, spots = weights[known] >= levels[:, None], places[known]
    gap = _spacing(spots)
    result = weights.copy()
    result[known] = np.mean([_ramp(part, spots, width, gap) for part in inside], axis=0)
    return torch.from_numpy(result)[:, None]


def _spacing(places: Array) -> float:
    """The usual distance between neighbouring rows at positions (n, 3)."""
    some = places[:: max(1, len(places) // _SAMPLES)]
    squares = [np.partition(np.square(places - place).sum(1), 1)[1] for place in some if len(places) > 1]
    return float(np.sqrt(np.median(squares))) if squares else 0.0


def _ramp(inside: Array, places: Array, width: float, gap: float) -> Array:
    """The smooth step (n,) float32 over the border of the rows that are `inside` (n,) bool."""
    reach = (width + gap) / 2
    near = _near_both(inside, places, reach)
    distance = np.full(len(places), np.inf)
    one, other = np.flatnonzero(near & inside), np.flatnonzero(near & ~inside)
    if len(one) and len(other):
        distance[one] = Neighbours(places[other]).of(places[one], 1, reach)[1][:, 0]
        distance[other] = Neighbours(places[one]).of(places[other], 1, reach)[1][:, 0]
    # Rows are samples: the border runs half way between a row and those on its other side.
    depth = np.where(inside, 1, -1) * np.maximum(distance - gap / 2, 0)
    share = np.clip(0.5 + depth / width, 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _near_both(inside: Array, places: Array, reach: float) -> Array:
    """Whether rows can be within `reach` of some inside and of some outside, (n,) bool: by cells of that size."""
    low = places.min(0)
    cells = (
        np.floor((places - low) / max(reach, float((places.max(0) - low).max()) / _MOST)).astype(np.int64) + 1
    )
    steps = np.array([1, cells[:, 0].max() + 2, (cells[:, 0].max() + 2) * (cells[:, 1].max() + 2)])
    known, cell = np.unique(cells @ steps, return_inverse=True)
    held = np.stack([np.bincount(cell.ravel(), inside == side, len(known)) > 0 for side in (False, True)])
    found = np.zeros_like(held)
    for way in np.ndindex(3, 3, 3):
        beside = known + (np.array(way) - 1) @ steps
        place = np.minimum(np.searchsorted(known, beside), len(known) - 1)
        found |= held[:, place] & (known[place] == beside)
    return np.asarray(found[0] & found[1])[cell.ravel()]
