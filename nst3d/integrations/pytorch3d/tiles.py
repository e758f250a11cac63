"""Lists of the faces in each tile of an image, so that a rasteriser tests only faces that can be there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.tensors import Array, ImageSize


@dataclass(frozen=True)
class FaceTiles:
    """The non-empty tiles of an image and their faces; tiles are in row-major order."""

    tile: Array
    """(t,) int64, increasing."""
    counts: Array
    """(t,) int64, number of faces of each."""
    face: Array
    """(counts.sum(),) int64, the faces of the first tile, of the second …; increasing within each."""
    across: int
    """Number of tiles in a row of the image."""
    down: int
    """Number of rows of tiles."""


def pixel_boxes(corners: Array, depth: Array, size: ImageSize, near: float) -> Array:
    """First column, first row, last column and last row of each face, (f, 4) int64; empty if last < first.

    `corners` (f, 3, 2) are pixel positions, with `depth` (f, 3). A face covers a pixel if it contains the
    pixel's centre. One that extends behind the plane at depth `near` can be anywhere; one entirely behind it
    is empty.
    """
    last = np.array([size.width - 1, size.height - 1])
    crossing = depth.min(1) < near
    bounded = np.where(crossing[:, None, None], 0.0, corners)
    low, high = bounded.min(1) - _SLACK, bounded.max(1) + _SLACK
    first = np.clip(np.ceil(low - 0.5), 0, last + 1)
    final = np.clip(np.floor(high - 0.5), -1, last)
    boxes = np.concatenate([first, final], axis=1).astype(np.int64)
    boxes[crossing] = [0, 0, *last]
    boxes[depth.max(1) < near] = [0, 0, -1, -1]
    return boxes


def tiles_of(boxes: Array, size: ImageSize, side: int) -> FaceTiles:
    """The tiles of `side` × `side` pixels that `boxes` (f, 4) from `pixel_boxes` overlap."""
    across, down = -(-size.width // side), -(-size.height // side)
    reaching = np.flatnonzero((boxes[:, 2:] >= boxes[:, :2]).all(1))
    left, top, right, bottom = (boxes[reaching] // side).T
    width = right - left + 1
    counts = width * (bottom - top + 1)
    owner = np.repeat(np.arange(len(reaching)), counts)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    tile = (top[owner] + step // width[owner]) * across + left[owner] + step % width[owner]
    order = np.argsort(tile, kind="stable")
    found, faces = np.unique(tile, return_counts=True)
    return FaceTiles(found, faces, reaching[owner[order]], across, down)


_SLACK = 0.02
"""Tolerance of a face's bounds, pixels, for the rounding of rasterisers."""
