"""How well the edges of what is painted are kept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nst3d.metrics.filters import dilated, gradient
from nst3d.metrics.grey import luma
from nst3d.tensors import Array

_SIGMA = 1.4
_STRONG, _WEAK = 0.3, 0.12
"""Edges begin at, and go on down to, these shares of the content's strong gradients."""
_TYPICAL = 99.0
"""The percentile of the content's gradients that is a strong one."""
_FAINT = 2e-3
"""A strong gradient of the content's brightness per pixel below which it has no edges."""


class EdgeScore(NamedTuple):
    """How edges of a painting agree with the content's, from 0 to 1."""

    f_score: float
    """The harmonic mean of the two others."""
    precision: float
    """The share of the painting's edges that are near one of the content's; 0 without any."""
    recall: float
    """The share of the content's edges that are near one of the painting's."""


def edge_score(
    painting: Array, content: Array, mask: Array | None = None, tolerance: int = 1
) -> EdgeScore | None:
    """How edges of a painting agree with those of the content, both (h, w, 3) in [0, 1]; None if that has no edges.

    Canny's edges of the brightness, with thresholds for both from the content's gradients, so that edges that are
    blurred or fade are lost. Edges are near within `tolerance` pixels, across corners, too; those outside the mask
    (h, w), counted above 0.5, are left out. Not symmetric. ValueError for pictures of different sizes.
    """
    if painting.shape[:2] != content.shape[:2]:
        raise ValueError(
            f"pictures of {painting.shape[:2]} and {content.shape[:2]} pixels cannot be compared"
        )
    inside = np.ones(content.shape[:2], bool) if mask is None else np.asarray(mask) > 0.5
    if not inside.any():
        return None
    slopes = gradient(luma(content), _SIGMA)
    strong = float(np.percentile(np.hypot(*slopes)[inside], _TYPICAL))
    if strong < _FAINT:
        return None
    wanted = _canny(slopes, strong) & inside
    found = _canny(gradient(luma(painting), _SIGMA), strong) & inside
    precision, recall = _share(found, dilated(wanted, tolerance)), _share(wanted, dilated(found, tolerance))
    total = precision + recall
    return EdgeScore(2 * precision * recall / total if total else 0.0, precision, recall)


def _share(marks: Array, near: Array) -> float:
    return float((marks & near).sum() / max(marks.sum(), 1))


def _canny(slopes: tuple[Array, Array], strong: float) -> Array:
    """Ridges (h, w) bool of the gradient that are connected to one above the strong threshold (Canny 1986)."""
    size = np.hypot(*slopes)
    ridges = _ridges(size, slopes)
    kept, weak = ridges & (size >= _STRONG * strong), ridges & (size >= _WEAK * strong)
    while True:
        grown = dilated(kept, 1) & weak
        if grown.sum() == kept.sum():
            return kept
        kept = grown


def _ridges(size: Array, slopes: tuple[Array, Array]) -> Array:
    """Where (h, w) bool the gradient is steeper than a pixel further along it, and no less steep than a pixel back."""
    right, down = (each / np.maximum(size, np.finfo(float).tiny) for each in slopes)
    rows, columns = np.mgrid[: size.shape[0], : size.shape[1]]
    ahead = _sampled(size, rows + down, columns + right)
    behind = _sampled(size, rows - down, columns - right)
    return (size > ahead) & (size >= behind)


def _sampled(values: Array, rows: Array, columns: Array) -> Array:
    """Values (h, w) at places between its pixels, bilinearly; beyond the border, those of the border."""
    height, width = values.shape
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    top, left = np.minimum(rows.astype(int), height - 2), np.minimum(columns.astype(int), width - 2)
    down, right = rows - top, columns - left
    above = values[top, left] * (1 - right) + values[top, left + 1] * right
    below = values[top + 1, left] * (1 - right) + values[top + 1, left + 1] * right
    return above * (1 - down) + below * down
