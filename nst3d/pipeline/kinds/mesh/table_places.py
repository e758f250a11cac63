"""Where the rows of a mesh's table are, those of a texture's padding included."""

from __future__ import annotations

import numpy as np

from nst3d.representations.surface import Surface
from nst3d.representations.texels import anchor_rows
from nst3d.stylize.layout import Layout
from nst3d.tensors import Array

_RING = 2
"""Texels around an island that are as far as views may see of its padding."""


def table_places(surface: Surface, layout: Layout) -> Array:
    """The positions (n, 3) float32 of a surface's rows; of padding next to an island, those of its border.

    Padding beyond, which no view sees, lies where the first row is.
    """
    anchors = anchor_rows(surface)
    places = np.zeros((surface.num_colours, 3), np.float32)
    places[anchors.valid] = anchors.interpolate(surface.positions[surface.faces])
    known, start = anchors.valid.copy(), 0
    for size in layout.images:
        part = slice(start, start + size.height * size.width)
        start = part.stop
        image, seen = places[part].reshape(*size, 3), known[part].reshape(*size)
        for _ in range(_RING):
            _spread(image, seen)
    if known.any():
        places[~known] = places[known][0]
    return places


def _spread(image: Array, known: Array) -> None:
    """Give unknown texels of an image (h, w, 3) next to `known` ones (h, w) the value of one, in place."""
    before = known.copy()
    for axis in (0, 1):
        for step in (1, -1):
            to = [slice(None)] * 2
            of = [slice(None)] * 2
            to[axis], of[axis] = (slice(1, None), slice(None, -1))[::step]
            new = before[tuple(of)] & ~known[tuple(to)]
            image[tuple(to)][new] = image[tuple(of)][new]
            known[tuple(to)] |= new
