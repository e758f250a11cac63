"""Draws single frames fast: one sample per pixel, and more only at creases, silhouettes and steep slopes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.layers import Layers, see
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.raycast import Hits
from nst3d.renderers.shading import Lighting
from nst3d.tensors import Array, ImageSize

_FINE = 3
"""Samples along each side of a supersampled pixel."""
_BEND = 0.5
"""Change of slope (depth per pixel / width of a pixel) between neighbours that counts as an edge."""
_STEEP = 2.0
"""Slope from which a texture is undersampled by pixels."""


@dataclass(frozen=True)
class FrameRays:
    """What the rays of a frame see, whatever the colours are."""

    view: Camera
    """The camera, cropped to what the surface can cover."""
    corner: tuple[int, int]
    """Top and left of that crop in the frame, pixels."""
    flat: Layers
    """The fragments of one sample in each pixel, (layers, h, w); their depths are left out."""
    rough: Array
    """(n, 2) int64: row and column of pixels that need more samples."""
    fine: Layers
    """The fragments of those, (layers, 3 n, 3)."""


def draw_frame(renderer: MeshRenderer, camera: Camera, colours: Array, lighting: Lighting = "none") -> Array:
    """A frame that is rendered only once: premultiplied RGB and opacity, (h, w, 4) float32.

    `colours` is the table, (n, 3) float32. Edges and silhouettes get 3 × 3 samples, and flat regions one
    where that is sufficient.
    """
    return paint_frame(renderer, camera, frame_rays(renderer, camera), colours, lighting)


def frame_rays(renderer: MeshRenderer, camera: Camera) -> FrameRays | None:
    """What the rays of a frame see, to draw it with several tables; None if the surface is out of sight."""
    top, left, size = _box(camera, renderer.surface.positions)
    if min(size) == 0:
        return None
    view = camera.cropped(top, left, size)
    layers = see(renderer.caster, *view.rays())
    edges = [_edges(d, f >= 0, camera.focal) for d, f in zip(layers.hits.depth, layers.hits.face)]
    rough = np.argwhere(np.any(edges, axis=0))
    steps = (np.arange(_FINE) + 0.5) / _FINE
    grid = np.stack(np.meshgrid(steps, steps), axis=-1)
    pixels = rough[:, None, None, ::-1] + grid
    fine = see(renderer.caster, view.position, view.directions(pixels.reshape(-1, _FINE, 2)))
    return FrameRays(view, (top, left), without_depth(layers), rough, without_depth(fine))


def without_depth(layers: Layers) -> Layers:
    """The same fragments at an unknown depth, which takes no memory: drawing needs none."""
    face, u, v, _ = layers.hits.arrays()
    return Layers(Hits(face, u, v, np.broadcast_to(np.float32(np.nan), face.shape)), layers.weight)


def paint_frame(
    renderer: MeshRenderer, camera: Camera, rays: FrameRays | None, colours: Array, lighting: Lighting
) -> Array:
    """The frame that `draw_frame` draws, from what its rays see."""
    image = np.zeros((*camera.size, 4), np.float32)
    if rays is None:
        return image
    inside = renderer.paint_samples(rays.flat, 1, rays.view, colours, lighting)
    if len(rays.rough):
        y, x = rays.rough.T
        inside[y, x] = renderer.paint_samples(rays.fine, _FINE, rays.view, colours, lighting)[:, 0]
    (top, left), size = rays.corner, rays.view.size
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
