"""Paint that goes on across the cuts of a texture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.operators.solve import SolveOptions, bake
from nst3d.operators.sparse import Csr, SparseView
from nst3d.renderers.taps import texels_at
from nst3d.representations.borders import (
    Edges,
    PointPairs,
    points_along,
    shared_edges,
    smooth_cuts,
    texel_sides,
)
from nst3d.representations.surface import Surface, TexelBinding
from nst3d.representations.texels import Anchors
from nst3d.stylize.layout import Layout
from nst3d.tensors import Array, Colours, Image, ImageSize

_REACH = 6.0
"""Texels from a cut within which colours are changed."""
_CHANGED = 5
"""So many times as far from a cut, no texel changes at all."""
_PULL = 16.0
"""Weight of a jump across a cut, relative to that of a change between two texels."""
_MOST = 200
"""Points on an edge."""
_SOLVE = SolveOptions(damping=1 / _REACH**2, iterations=40, tolerance=1e-3)


def levelled(colours: Colours, surface: Surface, layout: Layout, anchors: Anchors) -> Colours:
    """The table (n, c) with equal colours on both sides of the cuts through smooth parts of a textured surface.

    By least squares: the jumps across cuts vanish, while changes from texel to texel stay as they are, and so do
    colours farther than some texels from a cut. After Lempitsky & Ivanov 2007, "Seamless mosaicing of image-based
    texture maps", where whole textures change. Where nothing is cut, nothing changes.
    """
    edges = shared_edges(surface)
    pairs = _pairs(surface, edges.of(np.flatnonzero(smooth_cuts(edges))))
    if not len(pairs.faces):
        return colours
    columns, weights = _jumps(surface, pairs)
    near = _near(columns, layout, anchors)
    number = np.cumsum(near, dtype=np.int32) - 1
    count = int(near.sum())
    jumps = _rows(number[columns], weights)
    changes = _changes(near, number, layout)
    views = [_view(jumps, count), _view(changes, count)]
    rows = torch.from_numpy(np.flatnonzero(near))
    start = Colours(colours.cpu()[rows])
    goals = [Image(torch.zeros(*views[0].size, start.shape[1])), views[1].apply(start)]
    found = bake(views, goals, start, _SOLVE, precondition=_inverse([jumps, changes], count))
    mended = colours.clone()
    mended[rows.to(mended.device)] = found.clamp(start.amin(), start.amax()).to(mended)
    return Colours(mended)


def _near(columns: Array, layout: Layout, anchors: Anchors) -> Array:
    """The texels (n,) bool that may change: those on faces near the texels `columns`, and these."""
    seams = torch.zeros(layout.num_colours, 1)
    seams[torch.from_numpy(columns.ravel()).long()] = 1
    reach = round(_CHANGED * _REACH)
    grown = [_grown(image[..., 0], reach).ravel() for image in layout.split(Colours(seams))]
    near = torch.cat(grown).numpy() > 0
    return np.asarray((near & anchors.valid) | (seams[:, 0].numpy() > 0))


def _grown(mask: torch.Tensor, reach: int) -> torch.Tensor:
    """The largest value (h, w) within so many texels along each side."""
    wide = F.max_pool2d(mask[None], (1, 2 * reach + 1), 1, (0, reach))
    return F.max_pool2d(wide, (2 * reach + 1, 1), 1, (reach, 0))[0]


def _pairs(surface: Surface, edges: Edges) -> PointPairs:
    """Pairs of points along edges, one for about each texel."""
    long = np.linalg.norm(np.diff(_ends(surface, edges), axis=1)[:, 0], axis=1)
    texel = texel_sides(surface)[edges.faces].mean(1)
    count = np.clip(np.ceil(long / np.maximum(texel, long / _MOST + 1e-30)), 1, _MOST).astype(np.int64)
    rows = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return points_along(surface, edges.of(rows), (number + 0.5) / count[rows])


def _ends(surface: Surface, edges: Edges) -> Array:
    """The positions (e, 2, 3) of edges' ends."""
    faces = surface.faces[edges.faces[:, 0]]
    ends = np.take_along_axis(faces, edges.corners[:, 0, :2], 1)
    return surface.positions[ends].astype(np.float64)


def _jumps(surface: Surface, pairs: PointPairs) -> tuple[Array, Array]:
    """The texels (m, 8) that pairs read, and their weights: positive on one side of each, negative on the other."""
    binding = surface.binding
    assert isinstance(binding, TexelBinding)
    columns, weights = zip(*(texels_at(binding, pairs.faces[:, k], pairs.weights[:, k]) for k in (0, 1)))
    signed = np.concatenate([weights[0], -weights[1]], 1) * np.sqrt(_PULL)
    return np.concatenate(columns, 1), signed


def _changes(near: Array, number: Array, layout: Layout) -> Csr:
    """The difference of each two texels beside each other that may change, by their `number` (n,)."""
    pairs, first = [], 0
    for height, width in layout.images:
        rows = np.arange(first, first + height * width, dtype=np.int32).reshape(height, width)
        for one, other in ((rows[:, :-1], rows[:, 1:]), (rows[:-1], rows[1:])):
            both = near[one] & near[other]
            pairs.append(np.stack([one[both], other[both]], 1))
        first += height * width
    found = number[np.concatenate(pairs)]
    return _rows(found, np.broadcast_to([1.0, -1.0], found.shape))


def _rows(columns: Array, weights: Array) -> Csr:
    count, each = columns.shape
    starts = np.arange(count + 1, dtype=np.int64) * each
    return Csr(
        starts,
        columns.ravel().astype(np.int32, copy=False),
        np.ascontiguousarray(weights, np.float32).ravel(),
    )


def _view(matrix: Csr, num_colours: int) -> SparseView:
    count = len(matrix.starts) - 1
    return SparseView(ImageSize(1, count), num_colours, np.arange(count, dtype=np.int32), matrix)


def _inverse(matrices: list[Csr], num_colours: int) -> Callable[[Colours], Callable[[Colours], Colours]]:
    """The inverse of the normal matrix's diagonal, whose row sums vanish, as differences have no mean."""
    squares = sum(np.bincount(m.columns, m.weights.astype(np.float64) ** 2, num_colours) for m in matrices)
    scale = torch.from_numpy(1 / (squares + _SOLVE.damping))[:, None]
    return lambda rowsums: lambda table: scale.to(table) * table
