"""Draws single frames fast: one sample per pixel, and more only at creases, silhouettes and steep slopes."""

from __future__ import annotations

import itertools

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.layers import see
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.shading import Lighting
from nst3d.tensors import Array, ImageSize

_FINE = 3
"""Samples along each side of a supersampled pixel."""
_BEND = 0.5
"""Change of slope (depth per pixel / width of a pixel) between neighbours that counts as an edge."""
_STEEP = 2.0
"""Slope from which a texture is undersampled by pixels."""


def draw_frame(renderer: MeshRenderer, camera: Camera, colours: Array, lighting: Lighting = "none") -> Array:
    """A frame that is rendered only once: premultiplied RGB and opacity, (h, w, 4) float32.

    `colours` is the table, (n, 3) float32. Edges and silhouettes get 3 × 3 samples, and flat regions one
    where that is sufficient.
    """
    image = np.zeros((*camera.size, 4), np.float32)
    top, left, size = _box(camera, renderer.surface.positions)
    if min(size) == 0:
        return image
    view = camera.cropped(top, left, size)
    layers = see(renderer.caster, *view.rays())
    inside = renderer.paint_samples(layers, 1, view, colours, lighting)
    rough = [_edges(d, f >= 0, camera.focal) for d, f in zip(layers.hits.depth, layers.hits.face)]
    y, x = np.nonzero(np.any(rough, axis=0))
    if len(y):
        steps = (np.arange(_FINE) + 0.5) / _FINE
        grid = np.stack(np.meshgrid(steps, steps), axis=-1)
        pixels = np.stack([x, y], axis=1)[:, None, None] + grid
        fine = see(renderer.caster, view.position, view.directions(pixels.reshape(-1, _FINE, 2)))
        inside[y, x] = renderer.paint_samples(fine, _FINE, view, colours, lighting)[:, 0]
    image[top : top + size.height, left : left + size.width] = inside
    return image


def _box(camera: Camera, positions: Array) -> tuple[int, int, ImageSize]:
    """Top, left and size, in pixels, of the projected bounding box of positions (n, 3)."""
    extremes = np.stack([positions.min(0), positions.max(0)]).astype(np.float64)
    corners = np.array(list(itertools.product(*extremes.T)))
    pixels, depth = camera.project(corners)
    if (depth <= 1e-6).any():
        return 0, 0, camera.size
    full = np.array([camera.size.width, camera.size.height])
    low = np.clip(np.floor(pixels.min(0)) - 1, 0, full).astype(int)
    high = np.clip(np.ceil(pixels.max(0)) + 1, 0, full).astype(int)
    return int(low[1]), int(low[0]), ImageSize(int(high[1] - low[1]), int(high[0] - low[0]))


def _edges(depth: Array, hit: Array, focal: float) -> Array:
    """Mask (h, w) bool of pixels for which one sample is not enough.

    On a plane the inverse depth is affine in the pixel's position, so its second differences are zero on
    planes but not across creases, silhouettes and gaps. A pixel is depth / focal wide, which turns both
    differences into slopes.
    """
    inverse = np.where(hit, 1 / np.where(hit, depth, 1), 0).astype(np.float32)
    padded = np.pad(inverse, 1, mode="edge")
    width = inverse / np.float32(focal)
    rough = np.zeros(depth.shape, bool)
    for before, after in (
        (padded[1:-1, :-2], padded[1:-1, 2:]),
        (padded[:-2, 1:-1], padded[2:, 1:-1]),
    ):
        rough |= np.abs(before + after - 2 * inverse) > _BEND * width
        rough |= np.abs(after - before) > 2 * _STEEP * width
    return rough
