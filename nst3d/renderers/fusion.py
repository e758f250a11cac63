"""Fuses depth images into a truncated signed distance field (Curless & Levoy 1996)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numba
import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.kernels import kernel
from nst3d.representations.lattice import Lattice
from nst3d.tensors import Array

_SOLID, _EMPTY = 0.6, 0.1
"""Opacity above which a pixel's depth is that of a surface, and below which a pixel is empty."""


@dataclass(frozen=True)
class DepthPicture:
    """What one camera sees."""

    camera: Camera
    """Without lens distortion."""
    colour: Array
    """(h, w, 3) float16 in [0, 1], as if all that is seen were opaque."""
    depth: Array
    """(h, w) float32, as `trusted_depth` gives it."""


Fuse = Callable[[Lattice, Sequence[DepthPicture]], tuple[Array, Array]]
"""Lattice and sights to a surface: vertices (v, 3) in nodes of the lattice, faces (f, 3)."""


@dataclass(frozen=True)
class FusionOptions:
    """Options for fusing depth into distance."""

    band: float = 3.0
    """Truncation distance, cells."""
    witnesses: float = 2.0
    """Minimum number of views that must have seen a node for it to be known."""


class Fusion:
    """Mean signed distance to the surfaces in added views, at the nodes of a lattice."""

    def __init__(self, lattice: Lattice, options: FusionOptions | None = None) -> None:
        self._lattice, self._options = lattice, options or FusionOptions()
        self._total = np.zeros(lattice.shape, np.float32)
        self._weight = np.zeros(lattice.shape, np.float32)

    def add(self, camera: Camera, depth: Array) -> None:
        """Add the view of a camera without lens distortion: depth (h, w) as returned by `trusted_depth`."""
        space, lattice = self._lattice.space, self._lattice
        rotation = np.ascontiguousarray(camera.camera_to_world[:3, :3].T, np.float64)
        position = np.ascontiguousarray(camera.position, np.float64)
        focal = np.array([camera.focal, camera.focal * camera.aspect])
        box = np.stack([lattice.low, lattice.step, space.centre, space.radius]).astype(np.float64)
        view = (rotation, position, focal, np.asarray(camera.centre, np.float64))
        flags = (space.contracted, self._options.band)
        _fuse(np.ascontiguousarray(depth, np.float32), view, box, flags, self._total, self._weight)

    def distances(self) -> Array:
        """Signed distance at nodes, (X, Y, Z) float32, in bands, −1 to 1: positive outside, NaN unknown."""
        known = self._weight >= self._options.witnesses
        return np.where(known, self._total / np.maximum(self._weight, 1e-6), np.float32(np.nan))


def trusted_depth(opacity: Array, depth: Array) -> Array:
    """Depth (h, w) float32 for `Fusion`: inf for empty pixels, NaN for semi-transparent ones."""
    trusted = np.where(opacity >= _SOLID, depth, np.nan)
    return np.where(opacity <= _EMPTY, np.inf, trusted).astype(np.float32)


@kernel(parallel=True)
def _fuse(depth, view, box, flags, total, weight):  # type: ignore[no-untyped-def]
    rotation, position, focal, centre = view
    contracted, band = flags
    height, width = depth.shape
    for i in numba.prange(total.shape[0]):
        node, point, ahead, local = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
        for j in range(total.shape[1]):
            for k in range(total.shape[2]):
                node[0], node[1], node[2] = i, j, k
                _to_world(node, box, contracted, point)
                for a in range(3):
                    local[a] = 0.0
                    for b in range(3):
                        local[a] += rotation[a, b] * (point[b] - position[b])
                z = local[2]
                if z <= 1e-6:
                    continue
                x = local[0] / z * focal[0] + centre[0] - 0.5
                y = local[1] / z * focal[1] + centre[1] - 0.5
                if not (0 <= x < width - 1 and 0 <= y < height - 1):
                    continue
                # Number of cells crossed along the ray per unit of depth.
                for a in range(3):
                    ahead[a] = point[a] + 1e-3 * (point[a] - position[a])
                speed = _cells_between(ahead, node, box, contracted) / (1e-3 * z)
                value = _distance(depth, x, y, z, speed, band)
                if value >= -1.0:
                    total[i, j, k] += min(value, 1.0)
                    weight[i, j, k] += 1.0


@kernel(inline="always")
def _distance(depth, x, y, z, speed, band):  # type: ignore[no-untyped-def]
    """Distance, in bands, from a point at depth z in pixel (x, y) to the surface there; NaN if unknown."""
    x0, y0 = int(x), int(y)
    a, b = depth[y0, x0], depth[y0, x0 + 1]
    c, d = depth[y0 + 1, x0], depth[y0 + 1, x0 + 1]
    near, far = min(min(a, b), min(c, d)), max(max(a, b), max(c, d))
    if np.isnan(a + b + c + d):  # inf stays inf, because there is no -inf
        return np.nan
    if (near - z) * speed >= band:
        return 1.0
    if (far - near) * speed > band:  # an edge: the space between its sides is seen from elsewhere
        return np.nan
    fx, fy = x - x0, y - y0
    seen = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy
    return (seen - z) * speed / band


@kernel(inline="always")
def _to_world(node, box, contracted, out):  # type: ignore[no-untyped-def]
    largest = 0.0
    for a in range(3):
        out[a] = box[0, a] + node[a] * box[1, a]
        largest = max(largest, abs(out[a]))
    stretch = 1.0
    if contracted and largest > 1:
        stretch = 1 / max(largest * (2 - largest), 1e-6)
    for a in range(3):
        out[a] = out[a] * stretch * box[3, a] + box[2, a]


@kernel(inline="always")
def _cells_between(point, node, box, contracted):  # type: ignore[no-untyped-def]
    """Distance in cells from a world point to a node."""
    largest, total = 1.0, 0.0
    if contracted:
        for a in range(3):
            largest = max(largest, abs((point[a] - box[2, a]) / box[3, a]))
    for a in range(3):
        u = (point[a] - box[2, a]) / box[3, a] * (2 - 1 / largest) / largest
        total += ((u - box[0, a]) / box[1, a] - node[a]) ** 2
    return np.sqrt(total)
