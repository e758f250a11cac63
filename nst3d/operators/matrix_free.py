"""Views of grids whose matrix would be too large to store: compact samples, expanded on the fly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
import torch

from nst3d.kernels import kernel
from nst3d.operators.base import Stored, ViewOperator
from nst3d.operators.sparse import Csr, SparseView
from nst3d.tensors import Array, Colours, Image, ImageSize

_CHUNKS = 4
"""Number of partial sums of the adjoint, independent of the thread count so that it is reproducible."""
_BANDS = 64
"""Number of chunks of parallel work."""
_LEVELS = 255
"""Quantisation steps of positions within a cell, along each axis."""


@dataclass(frozen=True)
class Samples:
    """Points at which rays see a grid, ordered by pixel."""

    starts: Array
    """(pixels + 1,) int64: pixel p has samples starts[p] … starts[p + 1]."""
    cells: Array
    """(samples,) int32: cell, a row of `corners`."""
    places: Array
    """(samples, 3) uint8: position in the cell, 0 to 255 along each axis."""
    weights: Array
    """(samples,) float32: fraction of the pixel's light."""
    corners: Array
    """(cells, 8) int32: colours at the cell's corners, x slowest; −1 for none."""

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, in bytes."""
        arrays = (self.starts, self.cells, self.places, self.weights, self.corners)
        return sum(a.nbytes for a in arrays)


def quantised(places: Array) -> Array:
    """Positions (…, 3) in [0, 1], quantised to the uint8 of `Samples`."""
    return np.rint(places * _LEVELS).clip(0, _LEVELS).astype(np.uint8)


class MatrixFreeView(ViewOperator):
    """A view of trilinearly interpolated colours: A = Σ over a pixel's samples of weight × interpolation.

    A sample takes 11 bytes, whereas a row of a stored matrix needs 128 or more. Interpolation uses the
    corners that exist, with weights rescaled to sum to 1.
    """

    def __init__(self, size: ImageSize, num_colours: int, samples: Samples) -> None:
        """Wrap the samples of a view of `num_colours` colours; a cell without any colour is an error."""
        self.size = size
        self.num_colours = num_colours
        self.seen, corners = _renumbered(samples.corners, num_colours)
        self.samples = Samples(samples.starts, samples.cells, samples.places, samples.weights, corners)
        self._coverage = self.apply(torch.ones(num_colours, 1))

    @property
    def coverage(self) -> Image:
        """The opacity (h, w, 1)."""
        return self._coverage

    @property
    def nbytes(self) -> int:
        """Memory of samples and coverage, in bytes."""
        return self.samples.nbytes + self.seen.nbytes + self._coverage.nbytes

    def arrays(self) -> Stored:
        """Samples, indices and the coverage."""
        s = self.samples
        arrays = {"shape": np.array([*self.size, self.num_colours]), "coverage": self._coverage.numpy()}
        arrays |= {"seen": self.seen, "starts": s.starts, "cells": s.cells}
        arrays |= {"places": s.places, "weights": s.weights, "corners": s.corners}
        return Stored(arrays, restored_samples, "samples")

    def apply(self, colours: Colours) -> Image:
        """A c, (h, w, c)."""
        if colours.device.type != "cpu":
            return self._on_device.apply(colours)
        local = np.ascontiguousarray(colours.detach().numpy()[self.seen])
        image = colours.new_zeros(self.size.height * self.size.width, colours.shape[1])
        _apply(*self._arrays(), local, image.numpy())
        return Image(image.view(*self.size, -1))

    def adjoint(self, image: Image) -> Colours:
        """Aᵀ g, (n, c)."""
        if image.device.type != "cpu":
            return self._on_device.adjoint(image)
        flat = np.ascontiguousarray(image.detach().numpy().reshape(-1, image.shape[-1]))
        parts = np.zeros((_CHUNKS, len(self.seen), flat.shape[1]), flat.dtype)
        _adjoint(*self._arrays(), flat, parts)
        colours = image.new_zeros(self.num_colours, flat.shape[1])
        colours.numpy()[self.seen] = parts.sum(0)
        return colours

    def stored(self, cutoff: float = 0.0) -> SparseView:
        """The same view as an explicit matrix, with entries merged by colour.

        Entries below `cutoff` are dropped, and the others of the pixel are scaled up to compensate.
        """
        return _multiplied_out(self, cutoff)

    @cached_property
    def _on_device(self) -> SparseView:
        """The view for torch's sparse products on another device."""
        return self.stored()

    def _arrays(self) -> tuple[Array, ...]:
        s = self.samples
        return s.starts, s.cells, s.places, s.weights, s.corners


def restored_samples(arrays: Mapping[str, Array]) -> MatrixFreeView:
    """The view of the arrays that `MatrixFreeView.arrays` gives."""
    view = MatrixFreeView.__new__(MatrixFreeView)
    height, width, view.num_colours = map(int, arrays["shape"])
    view.size, view.seen = ImageSize(height, width), arrays["seen"]
    names = ("starts", "cells", "places", "weights", "corners")
    view.samples = Samples(*(arrays[name] for name in names))
    view._coverage = Image(torch.from_numpy(arrays["coverage"]))
    return view


def _renumbered(corners: Array, num_colours: int) -> tuple[Array, Array]:
    """The colours that occur, in increasing order, and the corners renumbered accordingly."""
    occurs = np.zeros(num_colours + 1, bool)
    occurs[corners] = True  # −1 marks the last entry, which is not a colour
    seen = np.flatnonzero(occurs[:-1]).astype(np.int32)
    rank = np.full(num_colours + 1, -1, np.int32)
    rank[seen] = np.arange(len(seen), dtype=np.int32)
    return seen, rank[corners]


def _multiplied_out(view: MatrixFreeView, cutoff: float) -> SparseView:
    s = view.samples
    count = np.diff(s.starts) * 8
    columns, weights = np.empty((len(s.cells), 8), np.int32), np.empty((len(s.cells), 8), np.float32)
    _expand(s.cells, s.places, s.weights, s.corners, columns, weights)
    kept = np.zeros(len(count), np.int64)
    starts = np.concatenate([[0], np.cumsum(count)])
    flat, values = columns.ravel(), weights.ravel()
    _merge_rows(starts, flat, values, np.float32(cutoff), kept)
    used = np.arange(len(flat)) - np.repeat(starts[:-1], count) < np.repeat(kept, count)
    pixels = np.flatnonzero(kept).astype(np.int32)
    matrix = Csr(np.concatenate([[0], np.cumsum(kept[pixels])]), view.seen[flat[used]], values[used])
    return SparseView(view.size, view.num_colours, pixels, matrix)


@kernel(parallel=True)
def _merge_rows(starts, columns, weights, cutoff, kept):  # type: ignore[no-untyped-def]
    """Sort each row by column, merge duplicates, drop small entries; the first `kept` of a row remain."""
    for row in numba.prange(len(kept)):
        first, last = starts[row], starts[row + 1]
        order = np.argsort(columns[first:last], kind="mergesort")
        sorted_columns, sorted_weights = columns[first:last][order], weights[first:last][order]
        place, whole, held = first - 1, np.float32(0), np.float32(0)
        for entry in range(len(order)):
            whole += sorted_weights[entry]
            if place >= first and columns[place] == sorted_columns[entry]:
                weights[place] += sorted_weights[entry]
            elif sorted_weights[entry] > 0:
                place += 1
                columns[place], weights[place] = sorted_columns[entry], sorted_weights[entry]
        count = first
        for entry in range(first, place + 1):
            if weights[entry] >= cutoff:
                columns[count], weights[count] = columns[entry], weights[entry]
                held += weights[entry]
                count += 1
        for entry in range(first, count):
            weights[entry] *= whole / held
        kept[row] = count - first


@kernel()
def _interpolation(s, cells, places, weights, corners, out):  # type: ignore[no-untyped-def]
    """The weights of the 8 corners of sample s: 0 for missing ones; the others sum to the sample's weight.

    Whole arrays are indexed, because views of them in a loop would count references, which is slow.
    """
    x, y, z = places[s, 0] / np.float32(255), places[s, 1] / np.float32(255), places[s, 2] / np.float32(255)
    one, total, count = np.float32(1), np.float32(0), np.float32(0)
    cell = cells[s]
    for c in range(8):
        share = (x if c & 4 else one - x) * (y if c & 2 else one - y) * (z if c & 1 else one - z)
        exists = corners[cell, c] >= 0
        out[c] = share if exists else np.float32(0)
        total += out[c]
        count += one if exists else np.float32(0)
    if total > np.float32(1e-6):
        scale = weights[s] / total
        for c in range(8):
            out[c] *= scale
        return
    # The point is on a face without nodes: weight the existing ones equally.
    for c in range(8):
        out[c] = weights[s] / count if corners[cell, c] >= 0 else np.float32(0)


@kernel(parallel=True)
def _apply(starts, cells, places, weights, corners, table, image):  # type: ignore[no-untyped-def]
    zero = table[0, 0] * 0
    for chunk in numba.prange(_BANDS):
        share = np.empty(8, np.float32)
        count = (len(image) + _BANDS - 1) // _BANDS
        for pixel in range(chunk * count, min(len(image), (chunk + 1) * count)):
            for s in range(starts[pixel], starts[pixel + 1]):
                _interpolation(s, cells, places, weights, corners, share)
                cell = cells[s]
                for q in range(0, table.shape[1] - 2, 3):  # three at a time: colours
                    a = b = d = zero
                    for c in range(8):
                        row = max(corners[cell, c], 0)
                        a += share[c] * table[row, q]
                        b += share[c] * table[row, q + 1]
                        d += share[c] * table[row, q + 2]
                    image[pixel, q] += a
                    image[pixel, q + 1] += b
                    image[pixel, q + 2] += d
                for q in range(table.shape[1] - table.shape[1] % 3, table.shape[1]):
                    for c in range(8):
                        image[pixel, q] += share[c] * table[max(corners[cell, c], 0), q]


@kernel(parallel=True)
def _adjoint(starts, cells, places, weights, corners, image, parts):  # type: ignore[no-untyped-def]
    count = (len(image) + len(parts) - 1) // len(parts)
    for chunk in numba.prange(len(parts)):
        share = np.empty(8, np.float32)
        for pixel in range(chunk * count, min(len(image), (chunk + 1) * count)):
            for s in range(starts[pixel], starts[pixel + 1]):
                _interpolation(s, cells, places, weights, corners, share)
                cell = cells[s]
                for q in range(0, image.shape[1] - 2, 3):
                    a, b, d = image[pixel, q], image[pixel, q + 1], image[pixel, q + 2]
                    for c in range(8):
                        row = max(corners[cell, c], 0)
                        parts[chunk, row, q] += share[c] * a
                        parts[chunk, row, q + 1] += share[c] * b
                        parts[chunk, row, q + 2] += share[c] * d
                for q in range(image.shape[1] - image.shape[1] % 3, image.shape[1]):
                    for c in range(8):
                        parts[chunk, max(corners[cell, c], 0), q] += share[c] * image[pixel, q]


@kernel(parallel=True)
def _expand(cells, places, weights, corners, columns, out):  # type: ignore[no-untyped-def]
    for chunk in numba.prange(_BANDS):
        share = np.empty(8, np.float32)
        count = (len(cells) + _BANDS - 1) // _BANDS
        for s in range(chunk * count, min(len(cells), (chunk + 1) * count)):
            _interpolation(s, cells, places, weights, corners, share)
            for c in range(8):
                columns[s, c] = max(corners[cells[s], c], 0)
                out[s, c] = share[c]
