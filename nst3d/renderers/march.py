"""Ray marching of a voxel field: contraction, step length, empty-space skipping, interpolation. CPU kernels.

Ray parameters are depths along the camera's axis (directions have camera z = 1). A step is a fixed fraction
of the cell that the ray crosses, so steps are long far away, where contracted cells are large.
"""

from __future__ import annotations

import math

import numpy as np

from nst3d.kernels import kernel
from nst3d.representations.field import Space
from nst3d.tensors import Array

EMPTY = {"softplus": -10.0, "relu": 0.0}
"""Raw density of empty nodes."""
_BLOCK = 4
"""Side of the blocks of cells that are skipped at once."""
_REACH = 35.0
"""Radii from the centre at which rays end in contracted space: inside most grids' outermost cell."""


def frame_of(space: Space, shape: tuple[int, int, int], near: float = 0.0) -> Array:
    """The kernels' description of a grid, (13,) float64.

    Centre, 1 / radius, contracted, radius for optical lengths, nodes per contracted unit, extent, near plane.
    """
    scale = np.asarray(shape) / 2 / space.extent
    length = float(np.mean(space.radius))
    return np.array(
        [*space.centre, *(1 / np.asarray(space.radius)), space.contracted, length, *scale, space.extent, near]
    )


def free_blocks(links: Array) -> Array:
    """For each block of 4³ cells, the number of empty blocks in every direction (0: not empty; at most 3)."""
    counts = [-(-side // _BLOCK) for side in links.shape]
    padded = np.zeros([c * _BLOCK + 1 for c in counts], bool)
    padded[tuple(slice(side) for side in links.shape)] = links >= 0
    filled = np.zeros(counts, bool)
    for shift in np.ndindex(2, 2, 2):  # a cell extends one node beyond its own
        part = padded[tuple(slice(s, s + c * _BLOCK) for s, c in zip(shift, counts))]
        a, b, c = counts
        filled |= part.reshape(a, _BLOCK, b, _BLOCK, c, _BLOCK).any((1, 3, 5))
    free = np.where(filled, 0, 3).astype(np.uint8)
    for distance in (1, 2):
        grown = _grown(filled)
        free[grown & ~filled] = distance
        filled = grown
    return free


def _grown(mask: Array) -> Array:
    """The mask dilated by its 26 neighbours."""
    for axis in range(3):
        wide = mask.copy()
        low = tuple(slice(0, -1) if k == axis else slice(None) for k in range(3))
        high = tuple(slice(1, None) if k == axis else slice(None) for k in range(3))
        wide[low] |= mask[high]
        wide[high] |= mask[low]
        mask = wide
    return mask


@kernel()
def _clip(near, far, origin, direction, extent):  # type: ignore[no-untyped-def]
    """The part of a ray's range in which one coordinate is within ±extent."""
    if abs(direction) < 1e-12:
        return (near, far) if abs(origin) <= extent else (1.0, 0.0)
    a, b = (-extent - origin) / direction, (extent - origin) / direction
    return max(near, min(a, b)), min(far, max(a, b))


@kernel()
def ray_range(frame, origin, direction):  # type: ignore[no-untyped-def]
    """Where a ray in normalised coordinates enters and leaves the grid: (near, far), near > far if it misses."""
    extent = _REACH if frame[6] > 0 else 1.0
    near, far = frame[12], 1e30
    near, far = _clip(near, far, origin[0], direction[0], extent)
    near, far = _clip(near, far, origin[1], direction[1], extent)
    return _clip(near, far, origin[2], direction[2], extent)


@kernel(fastmath=True)
def locate(frame, shape, o, d, length, t):  # type: ignore[no-untyped-def]
    """The point of a ray at depth t: clamped node coordinates, and nodes passed and optical length per depth.

    `o` and `d` are in normalised coordinates; `length` is the world length of the direction.
    """
    x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
    vx, vy, vz = d[0], d[1], d[2]
    pace = length
    if frame[6] > 0:
        m = max(abs(x), abs(y), abs(z))
        if m > 1.0:
            dm = (
                vx
                if x == m
                else -vx
                if x == -m
                else vy
                if y == m
                else -vy
                if y == -m
                else vz
                if z == m
                else -vz
            )
            scale = (2.0 - 1.0 / m) / m
            change = (-2.0 + 2.0 / m) / (m * m) * dm
            vx, vy, vz = vx * scale + x * change, vy * scale + y * change, vz * scale + z * change
            x, y, z = x * scale, y * scale, z * scale
        pace = math.sqrt(vx * vx + vy * vy + vz * vz) * frame[7]
    vx, vy, vz = vx * frame[8], vy * frame[9], vz * frame[10]
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    e = frame[11]
    i = min(max((x + e) * frame[8] - 0.5, 0.0), shape[0] - 1.001)
    j = min(max((y + e) * frame[9] - 0.5, 0.0), shape[1] - 1.001)
    k = min(max((z + e) * frame[10] - 0.5, 0.0), shape[2] - 1.001)
    return i, j, k, speed, pace


@kernel()
def normalised(frame, origin, direction, o, d):  # type: ignore[no-untyped-def]
    """A world ray in normalised coordinates, into o and d; returns the direction's world length."""
    total = 0.0
    for c in range(3):
        o[c] = (origin[c] - frame[c]) * frame[3 + c]
        d[c] = direction[c] * frame[3 + c]
        total += direction[c] * direction[c]
    return math.sqrt(total)


@kernel(fastmath=True)
def corners(links, i, j, k, rows, weights, s):  # type: ignore[no-untyped-def]
    """Write the rows of the 8 nodes around a point (−1: empty) and their trilinear weights to index s.

    Kernels index whole arrays instead of views, because a view in a loop counts references, which is slow.
    """
    a, b, c = int(i), int(j), int(k)
    x, y, z = np.float32(i - a), np.float32(j - b), np.float32(k - c)
    one = np.float32(1)
    for corner in range(8):
        u, v, w = corner >> 2, (corner >> 1) & 1, corner & 1
        rows[s, corner] = links[a + u, b + v, c + w]
        weights[s, corner] = (x if u else one - x) * (y if v else one - y) * (z if w else one - z)


@kernel(fastmath=True)
def density_at(rows, weights, s, raw, empty, soft):  # type: ignore[no-untyped-def]
    """Activated density between nodes, and its derivative with respect to the interpolated raw density."""
    value = np.float32(0)
    for corner in range(8):
        row = rows[s, corner]
        value += weights[s, corner] * (raw[row] if row >= 0 else empty)
    if not soft:
        return (value, np.float32(1)) if value > 0 else (np.float32(0), np.float32(0))
    if value > 15:
        return value, np.float32(1)
    e = np.float32(math.exp(value))
    return np.float32(math.log1p(e)), e / (1 + e)


@kernel(fastmath=True)
def density_in(volume, i, j, k, soft):  # type: ignore[no-untyped-def]
    """Activated density between the nodes of a full grid of raw densities."""
    a, b, c = int(i), int(j), int(k)
    x, y, z = np.float32(i - a), np.float32(j - b), np.float32(k - c)
    low = volume[a, b, c] + z * (volume[a, b, c + 1] - volume[a, b, c])
    high = volume[a, b + 1, c] + z * (volume[a, b + 1, c + 1] - volume[a, b + 1, c])
    near = low + y * (high - low)
    low = volume[a + 1, b, c] + z * (volume[a + 1, b, c + 1] - volume[a + 1, b, c])
    high = volume[a + 1, b + 1, c] + z * (volume[a + 1, b + 1, c + 1] - volume[a + 1, b + 1, c])
    value = near + x * (low + y * (high - low) - near)
    if not soft:
        return max(value, np.float32(0))
    if value > 15:
        return value
    e = np.float32(math.exp(value))
    return e if value < -8 else np.float32(math.log1p(e))


@kernel()
def jump(free, i, j, k):  # type: ignore[no-untyped-def]
    """Number of nodes that can be skipped from a point in empty space; 0 if the space may not be empty."""
    blocks = free[int(i) >> 2, int(j) >> 2, int(k) >> 2]
    return max(4.0 * blocks - 4.0, 0.25) if blocks > 0 else 0.0


@kernel()
def passed(frame, t, far):  # type: ignore[no-untyped-def]
    """The depth after a jump to t: never beyond the end of a contracted space, which stops the light."""
    return min(t, far * (1.0 - 1e-9)) if frame[6] > 0 else t
