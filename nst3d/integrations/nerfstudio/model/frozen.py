"""Views of a NeRF with stored samples, which are drawn once and reused at every scale."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
from nst3d.tensors import Array

CUTOFF = 5e-3
"""Weight below which samples are dropped."""
_STEPS = 65535
"""Quantisation steps of places along each axis."""


@dataclass(frozen=True)
class FrozenView:
    """The samples of a camera's rays in a NeRF, and the NeRF's render."""

    camera: Camera
    starts: Array
    """(pixels + 1,) int64: pixel p has samples starts[p] … starts[p + 1]."""
    places: Array
    """(samples, 3) uint16: places in [0, 1], in steps of 1/65535."""
    weights: Array
    """(samples,) float32: fraction of the pixel's light."""
    colour: Array
    """(h, w, 3) float32: the NeRF's own render, premultiplied by the opacity."""
    depth: Array
    """(h, w) float32, along the viewing axis."""

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, in bytes."""
        arrays = (self.starts, self.places, self.weights, self.colour, self.depth)
        return sum(a.nbytes for a in arrays)

    def set_aside(self) -> FrozenView:
        """The view with its samples in a temporary file, or the view itself if the disk is full."""
        try:
            return replace(self, places=_on_disk(self.places), weights=_on_disk(self.weights))
        except OSError:
            return self

    def places_of(self, samples: Array) -> Array:
        """The places of some of the samples, (m, 3) float32 in [0, 1]."""
        return self.places[samples] / np.float32(_STEPS)

    def in_cells(self, resolution: int) -> tuple[Array, Array]:
        """The samples' cells (samples, 3) int32 in a grid of resolution³, and positions in these, [0, 1]."""
        scaled = self.places * np.float32(resolution / _STEPS)
        cells = np.minimum(scaled.astype(np.int32), resolution - 1)
        return cells, scaled - cells

    def spacing(self) -> float:
        """Median distance between neighbouring pixels' strongest samples, as a fraction of the space."""
        height, width = self.camera.size
        counts = np.diff(self.starts)
        rows = np.repeat(np.arange(len(counts)), counts)
        order = np.lexsort((self.weights, rows))
        seen = np.flatnonzero(counts)
        main = np.full((height * width, 3), np.nan, np.float32)
        main[seen] = self.places[order[self.starts[seen + 1] - 1]] / np.float32(_STEPS)
        apart = np.linalg.norm(np.diff(main.reshape(height, width, 3), axis=1), axis=-1)
        known = apart[np.isfinite(apart)]
        return float(np.median(known)) if len(known) else 0.0


def _on_disk(array: Array) -> Array:
    """The array, memory-mapped from a file that is deleted with it."""
    if not array.size:
        return array
    with tempfile.TemporaryFile(prefix="nst3d-samples-") as file:
        array.tofile(file)
        # Copy on write, because torch needs writable arrays.
        return np.asarray(np.memmap(file, array.dtype, "c", shape=array.shape))


@torch.no_grad()
def freeze(nerf: Nerfacto, camera: Camera) -> FrozenView:
    """The samples of a view, and the NeRF's render of it."""
    seen = nerf.samples(camera, CUTOFF)
    colours = nerf.colours(seen.places, seen.directions[seen.pixels])
    image = colours.new_zeros(len(seen.starts) - 1, 3)
    image.index_add_(0, seen.pixels, colours * seen.weights[:, None])
    return FrozenView(
        camera,
        seen.starts,
        np.rint(seen.places.cpu().numpy() * _STEPS).astype(np.uint16),
        seen.weights.cpu().numpy(),
        image.cpu().numpy().reshape(*camera.size, 3),
        seen.depth,
    )


def seen_at(view: FrozenView, camera: Camera) -> FrozenView | None:
    """The view for a camera of the same pose with coarser or equal pixels, or a crop of it.

    A pixel averages the view's pixels whose centres it contains. None if the pose differs, or a pixel
    contains none.
    """
    own = view.camera
    same = np.array_equal(own.camera_to_world, camera.camera_to_world)
    if not same or own.lens != camera.lens or abs(camera.aspect - own.aspect) > 1e-3 * own.aspect:
        return None
    if camera.size == own.size and camera.focal == own.focal and camera.centre == own.centre:
        return view
    rows = _along(own, camera, 0)
    columns = _along(own, camera, 1)
    inside = ((rows >= 0) & (rows < camera.size.height))[:, None] & (
        (columns >= 0) & (columns < camera.size.width)
    )
    target = (rows[:, None] * camera.size.width + columns)[inside]
    source = np.flatnonzero(inside)
    counts = np.bincount(target, minlength=camera.size.height * camera.size.width)
    if not counts.all():
        return None
    order = np.argsort(target, kind="stable")
    return _gathered(view, camera, source[order], counts)


def _gathered(view: FrozenView, camera: Camera, source: Array, counts: Array) -> FrozenView:
    """Pixels that each average `counts` of the view's pixels, listed in `source`."""
    lengths = np.diff(view.starts)[source]
    first = np.cumsum(lengths) - lengths
    index = np.repeat(view.starts[source] - first, lengths) + np.arange(lengths.sum())
    begins = np.cumsum(counts) - counts
    samples = np.add.reduceat(lengths, begins)
    share = (1 / counts).astype(np.float32)
    colour = np.add.reduceat(view.colour.reshape(-1, 3)[source], begins) * share[:, None]
    depth = view.depth.reshape(-1)[source[begins + counts // 2]]
    return FrozenView(
        camera,
        np.concatenate([[0], np.cumsum(samples, dtype=np.int64)]),
        view.places[index],
        view.weights[index] * np.repeat(share, samples),
        colour.reshape(*camera.size, 3),
        depth.reshape(camera.size),
    )


def _along(own: Camera, camera: Camera, axis: int) -> Array:
    """Rows (axis 0) or columns (1) of `camera` that contain the centres of the own camera's ones."""
    stretch = (own.focal, camera.focal) if axis else (own.focal * own.aspect, camera.focal * camera.aspect)
    middles = np.arange(own.size[axis]) + 0.5 - own.centre[1 - axis]
    return np.asarray(
        np.floor(middles * (stretch[1] / stretch[0]) + camera.centre[1 - axis]).astype(np.int64)
    )
