"""Ray marching of voxel fields on the CPU, for images and for the samples of compiled views.

Kernels take `grid` = (frame, links, free, volume, soft, scale): see `march.frame_of` and `march.free_blocks`;
the raw density of all nodes (X, Y, Z), whether its activation is softplus (otherwise ReLU), and the factor
that converts it to density.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from nst3d.kernels import kernel
from nst3d.renderers.march import corners, density_in, jump, locate, normalised, passed, ray_range

_OPAQUE = 1e-3
"""Transmittance at which rays end."""
_SPAN = 2.0
"""Maximum distance of merged samples, cells."""
_FAINT = 5e-4
"""Weight below which samples contribute no colour to images; the others are scaled up to compensate."""


@kernel(parallel=True)
def draw(grid, rays, table, step, out):  # type: ignore[no-untyped-def]
    """Write colour, opacity and depth of rays to out (n, 5).

    Depth is where less than half of the light is left; if that never happens, the mean depth.
    `rays` = (origin, directions, basis (n, k)); `table` (rows, k, 3) contains the coefficients of the basis.
    """
    origin, directions, basis = rays
    for ray in numba.prange(len(directions)):
        _draw_ray(grid, origin, directions[ray], basis[ray], table, step, out[ray])


@kernel(fastmath=True)
def _draw_ray(grid, origin, direction, basis, table, step, out):  # type: ignore[no-untyped-def]
    frame, links, free, volume, soft, scale = grid
    o, d = np.empty(3), np.empty(3)
    rows, weights = np.empty((1, 8), np.int32), np.empty((1, 8), np.float32)
    length = normalised(frame, origin, direction, o, d)
    t, far = ray_range(frame, o, d)
    light, held, mean, half = 1.0, 0.0, 0.0, 0.0
    out[:] = 0.0
    fresh = True
    while t < far and light > _OPAQUE:
        i, j, k, speed, pace = locate(frame, links.shape, o, d, length, t)
        ahead = step / speed
        if fresh:
            fresh = False
            t += 0.5 * ahead
            continue
        leap = jump(free, i, j, k)
        last = frame[6] > 0 and t + ahead >= far
        if leap > 0 and not last:
            t = passed(frame, t + max(leap, step) / speed, far)
            continue
        sigma = density_in(volume, i, j, k, soft)
        alpha = 1.0 if last else 1.0 - math.exp(-sigma * scale * ahead * pace)
        if light * alpha > _FAINT:
            corners(links, i, j, k, rows, weights, 0)
            _add(rows, weights, light * alpha, basis, table, out)
            held += light * alpha
            mean += light * alpha * t
        if light >= 0.5 > light * (1.0 - alpha):
            half = t
        light *= 1.0 - alpha
        t += ahead
    for c in range(3):
        out[c] *= (1.0 - light) / max(held, 1e-6)
    out[3] = 1.0 - light
    out[4] = half if half > 0 else mean / max(held, 1e-6)


@kernel(fastmath=True)
def _add(rows, weights, weight, basis, table, out):  # type: ignore[no-untyped-def]
    """Add the colour between the nodes that exist."""
    total = np.float32(0)
    for c in range(8):
        total += weights[0, c] if rows[0, c] >= 0 else np.float32(0)
    share = np.float32(weight) / max(total, np.float32(1e-6))
    red = green = blue = np.float32(0)
    for q in range(len(basis)):
        for c in range(8):
            row = rows[0, c]
            w = weights[0, c] * basis[q] if row >= 0 else np.float32(0)
            row = max(row, 0)
            red += w * table[row, q, 0]
            green += w * table[row, q, 1]
            blue += w * table[row, q, 2]
    out[0] += share * red
    out[1] += share * green
    out[2] += share * blue


@kernel(parallel=True)
def collect(grid, rays, limits, counts, cells, places, weights):  # type: ignore[no-untyped-def]
    """Write the merged samples of rays to counts (n,), cells, places and weights (n, cap).

    `rays` = (origin, directions), `limits` = (step, cutoff, quantum). cells are flat cell indices, places (n,
    cap, 3) positions within the cell in [0, 1]. Neighbouring samples are merged at their mean position until
    they weigh `quantum` or span `_SPAN` cells. Merged samples below the cutoff are dropped, and the others
    are scaled up so that the ray keeps its opacity.
    """
    origin, directions = rays
    for ray in numba.prange(len(directions)):
        counts[ray] = _collect_ray(
            grid, origin, directions[ray], limits, (cells[ray], places[ray], weights[ray])
        )


@kernel(fastmath=True)
def _collect_ray(grid, origin, direction, limits, out):  # type: ignore[no-untyped-def]
    frame, links, free, volume, soft, scale = grid
    o, d = np.empty(3), np.empty(3)
    group = np.zeros(7)  # weight, its moments, and the start of the group
    length = normalised(frame, origin, direction, o, d)
    t, far = ray_range(frame, o, d)
    light, opacity, step = 1.0, 0.0, limits[0]
    count = 0
    fresh = True
    while t < far and light > _OPAQUE:
        i, j, k, speed, pace = locate(frame, links.shape, o, d, length, t)
        ahead = step / speed
        if fresh:
            fresh = False
            t += 0.5 * ahead
            continue
        leap = jump(free, i, j, k)
        last = frame[6] > 0 and t + ahead >= far
        if leap > 0 and not last:
            t = passed(frame, t + max(leap, step) / speed, far)
            continue
        sigma = density_in(volume, i, j, k, soft)
        weight = light if last else light * (1.0 - math.exp(-sigma * scale * ahead * pace))
        light -= weight
        opacity += weight
        t += ahead
        if weight > 1e-6 and _any_node(links, i, j, k):
            count = _gather(links, (i, j, k), weight, limits, group, count, out)
    if group[0] > 0:
        count = _close(links, limits, group, count, out)
    _rescale(opacity, count, out)
    return count


@kernel(fastmath=True)
def _gather(links, point, weight, limits, group, count, out):  # type: ignore[no-untyped-def]
    """Add a sample to the group, which is closed first if complete; returns the number of groups."""
    i, j, k = point
    if group[0] > 0:
        span = max(abs(i - group[4]), abs(j - group[5]), abs(k - group[6]))
        if span > _SPAN or (group[0] >= limits[2] and span > 0.5):
            count = _close(links, limits, group, count, out)
    if group[0] == 0:
        group[4], group[5], group[6] = i, j, k
    group[0] += weight
    group[1] += weight * i
    group[2] += weight * j
    group[3] += weight * k
    return count


@kernel(fastmath=True)
def _close(links, limits, group, count, out):  # type: ignore[no-untyped-def]
    """Write the group at its mean position and start a new one; returns the number of groups."""
    cells, places, weights = out
    weight = group[0]
    group[0] = 0.0
    i, j, k = group[1] / weight, group[2] / weight, group[3] / weight
    group[1] = group[2] = group[3] = 0.0
    if weight < limits[1] or count == len(cells):
        return count
    if not _any_node(links, i, j, k):
        i, j, k = group[4], group[5], group[6]
    a, b, c = int(i), int(j), int(k)
    cells[count] = (a * links.shape[1] + b) * links.shape[2] + c
    places[count, 0], places[count, 1], places[count, 2] = i - a, j - b, k - c
    weights[count] = weight
    return count + 1


@kernel()
def _any_node(links, i, j, k):  # type: ignore[no-untyped-def]
    a, b, c = int(i), int(j), int(k)
    highest = np.int32(-1)
    for corner in range(8):
        highest = max(highest, links[a + (corner >> 2), b + ((corner >> 1) & 1), c + (corner & 1)])
    return highest >= 0


@kernel(fastmath=True)
def _rescale(opacity, count, out):  # type: ignore[no-untyped-def]
    """Rescale the weights to sum to the opacity."""
    weights = out[2]
    held = 0.0
    for s in range(count):
        held += weights[s]
    for s in range(count):
        weights[s] *= opacity / held
