"""One optimisation step of a voxel field on the CPU: ray marching fused with its gradient.

Sums are accumulated in a fixed number of tables and added in a fixed order, so the same seed gives the same
bytes with any number of threads.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from nst3d.kernels import kernel
from nst3d.renderers.march import corners, density_at, jump, locate, normalised, passed, ray_range

TABLES = 4
"""Number of gradient tables among which rays are divided."""
_CAP = 1024
"""Maximum number of samples per ray."""


@kernel(parallel=True)
def accumulate(grid, batch, params, settings, gradients, touched, shown):  # type: ignore[no-untyped-def]
    """Add the loss gradient of a batch of rays to `gradients` (TABLES, n, 1 + 3k); write their colours to `shown`.

    `grid` = (frame, links, free, empty, soft, scale); `batch` = (origins, directions, basis, targets,
    jitter), one row per ray; `params` = (raw density (n,), colours and coefficients (n, 3k)). `settings` =
    (background (3,), step, faint, distortion): samples with a weight below `faint` are skipped. The loss is
    the mean squared error plus the distortion loss of mip-NeRF 360.
    """
    origins = batch[0]
    each = (len(origins) + TABLES - 1) // TABLES
    for table in numba.prange(TABLES):
        first, last = table * each, min(len(origins), (table + 1) * each)
        _accumulate_rays(
            grid, batch, params, settings, (first, last, shown), gradients[table], touched[table]
        )


@kernel(fastmath=True)
def _accumulate_rays(grid, batch, params, settings, span, gradient, touched):  # type: ignore[no-untyped-def]
    origins, directions, basis, targets, jitter = batch
    samples = (
        np.empty((_CAP, 8), np.int32),  # surrounding rows
        np.empty((_CAP, 8), np.float32),  # their weights
        np.empty(
            (_CAP, 8), np.float32
        ),  # colour, alpha, light in front, slope, path, 1 / weight of existing nodes
    )
    values = np.empty(params[1].shape[1], np.float32)
    background = settings[0]
    sums, error = np.empty(4, np.float32), np.empty(3, np.float32)
    shown = span[2]
    for ray in range(span[0], span[1]):
        start = (origins[ray], directions[ray], jitter[ray])
        count = _forward(grid, start, basis[ray], params, settings, samples, values, sums)
        for c in range(3):
            shown[ray, c] = sums[c] + sums[3] * background[c]
            error[c] = (shown[ray, c] - targets[ray, c]) / len(origins)
        behind = np.float32(0)
        for c in range(3):
            behind += sums[3] * background[c] * error[c]
        for q in range(len(values)):
            values[q] = basis[ray, q // 3] * error[q % 3]
        _backward((settings[1], settings[3]), (error, values, behind), count, samples, gradient, touched)


@kernel(fastmath=True)
def _forward(grid, start, basis, params, settings, samples, values, sums):  # type: ignore[no-untyped-def]
    """March a ray; stores what the gradient needs and returns the number of samples."""
    frame, links, free, empty, soft, scale = grid
    rows, shares, notes = samples
    step, faint = settings[1], settings[2]
    o, d = np.empty(3), np.empty(3)
    length = normalised(frame, start[0], start[1], o, d)
    t, far = ray_range(frame, o, d)
    light, path = np.float32(1), np.float32(0)
    sums[:] = 0
    count = 0
    fresh = True
    while t < far and light > 1e-3 and count < len(notes):
        i, j, k, speed, pace = locate(frame, links.shape, o, d, length, t)
        ahead = step / speed
        if fresh:
            fresh = False
            t += start[2] * ahead
            continue
        leap = jump(free, i, j, k)
        last = frame[6] > 0 and t + ahead >= far
        if leap > 0 and not last:
            leap = max(leap, step)
            path += np.float32(leap)
            t = passed(frame, t + leap / speed, far)
            continue
        corners(links, i, j, k, rows, shares, count)
        sigma, slope = density_at(rows, shares, count, params[0], empty, soft)
        depth = np.float32(scale * ahead * pace)
        alpha = np.float32(1) if last else np.float32(1.0 - math.exp(-sigma * depth))
        path += np.float32(step)
        t += ahead
        if light * alpha < faint:
            continue
        _colour(rows, shares, count, basis, params[1], values, notes)
        notes[count, 3], notes[count, 4], notes[count, 6] = alpha, light, path
        notes[count, 5] = np.float32(0) if last else slope * depth
        for c in range(3):
            sums[c] += light * alpha * notes[count, c]
        light *= np.float32(1) - alpha
        count += 1
    sums[3] = light
    return count


@kernel(fastmath=True)
def _colour(rows, shares, s, basis, colours, values, notes):  # type: ignore[no-untyped-def]
    """Write the colour interpolated between existing nodes to notes[s, :3]."""
    for q in range(len(values)):
        values[q] = 0
    total = np.float32(0)
    for c in range(8):
        row = rows[s, c]
        if row >= 0:
            share = shares[s, c]
            total += share
            for q in range(len(values)):
                values[q] += share * colours[row, q]
    inverse = np.float32(1) / max(total, np.float32(1e-6))
    red = green = blue = np.float32(0)
    for q in range(len(basis)):
        red += basis[q] * values[3 * q]
        green += basis[q] * values[3 * q + 1]
        blue += basis[q] * values[3 * q + 2]
    notes[s, 0], notes[s, 1], notes[s, 2], notes[s, 7] = (
        red * inverse,
        green * inverse,
        blue * inverse,
        inverse,
    )


@kernel(fastmath=True)
def _backward(settings, pulls, count, samples, gradient, touched):  # type: ignore[no-untyped-def]
    """Add a ray's gradient, from the last sample to the first."""
    step, distortion = settings
    error, values, behind = pulls
    rows, shares, notes = samples
    mass, moment = np.float32(0), np.float32(0)
    for s in range(count):
        weight = notes[s, 3] * notes[s, 4]
        mass += weight
        moment += weight * notes[s, 6]
    after, after_moment = np.float32(0), np.float32(0)
    for s in range(count - 1, -1, -1):
        alpha, light, path = notes[s, 3], notes[s, 4], notes[s, 6]
        weight = alpha * light
        before, before_moment = mass - after - weight, moment - after_moment - weight * path
        spread = path * (before - after) - (before_moment - after_moment)
        pull = notes[s, 0] * error[0] + notes[s, 1] * error[1] + notes[s, 2] * error[2]
        pull += np.float32(distortion * (2 * spread + 0.6667 * weight * step))
        slope = notes[s, 5] * (light * (np.float32(1) - alpha) * pull - behind)
        behind += weight * pull
        after += weight
        after_moment += weight * path
        for c in range(8):
            row = rows[s, c]
            if row >= 0:
                touched[row] = 1
                gradient[row, 0] += shares[s, c] * slope
                share = shares[s, c] * notes[s, 7] * weight
                for q in range(len(values)):
                    gradient[row, 1 + q] += share * values[q]


@kernel(parallel=True, fastmath=True)
def smooth(density, colours, place, weights, gradients, touched):  # type: ignore[no-untyped-def]
    """Add the gradient of total variation between neighbouring nodes, for touched nodes.

    `place` = (links, nodes); `weights` = (density, colour, harmonics). Density uses √(1 + d²), which
    preserves edges; colour uses d² / 2. Nodes touched in any table are marked in the first.
    """
    for row in numba.prange(len(density)):
        seen = False
        for table in range(len(touched)):
            seen |= touched[table, row] > 0
        if seen:
            touched[0, row] = 1
            _smooth_row(density, colours, place, weights, row, gradients[0, row])


@kernel(fastmath=True)
def _smooth_row(density, colours, place, weights, row, out):  # type: ignore[no-untyped-def]
    links, nodes = place
    for side in range(6):
        axis, way = side >> 1, (side & 1) * 2 - 1
        a = nodes[row, 0] + (way if axis == 0 else 0)
        b = nodes[row, 1] + (way if axis == 1 else 0)
        c = nodes[row, 2] + (way if axis == 2 else 0)
        if min(a, b, c) < 0 or a >= links.shape[0] or b >= links.shape[1] or c >= links.shape[2]:
            continue
        other = links[a, b, c]
        if other < 0:
            continue
        d = density[row] - density[other]
        out[0] += weights[0] * d / np.float32(math.sqrt(np.float32(1) + d * d))
        for h in range(colours.shape[1]):
            out[1 + h] += weights[1 if h < 3 else 2] * (colours[row, h] - colours[other, h])


@kernel(parallel=True, fastmath=True)
def update(density, colours, squares, rates, gradients, touched):  # type: ignore[no-untyped-def]
    """RMSProp on the touched rows; clears their gradients and marks.

    `squares` (n, 1 + 3k) are the running means of squared gradients; `rates` = (rates (1 + 3k,), decay).
    """
    for row in numba.prange(len(density)):
        if touched[0, row] == 0:
            continue
        for h in range(squares.shape[1]):
            g = np.float32(0)
            for table in range(len(gradients)):
                g += gradients[table, row, h]
                gradients[table, row, h] = 0
            square = squares[row, h]
            square = g * g if square == 0 else rates[1] * square + (np.float32(1) - rates[1]) * g * g
            squares[row, h] = square
            change = rates[0][h] * g / (np.float32(math.sqrt(square)) + np.float32(1e-12))
            if h == 0:
                density[row] -= change
            else:
                colours[row, h - 1] -= change
        for table in range(len(touched)):
            touched[table, row] = 0


@kernel(parallel=True)
def contributions(grid, rays, density, step, best):  # type: ignore[no-untyped-def]
    """Write the largest weight that any ray gives each node to best (TABLES, n).

    `grid` as in `accumulate`; `rays` = (origins, directions).
    """
    origins, directions = rays
    each = (len(origins) + TABLES - 1) // TABLES
    for table in numba.prange(TABLES):
        for ray in range(table * each, min(len(origins), (table + 1) * each)):
            _contribution(grid, origins[ray], directions[ray], density, step, best[table])


@kernel(fastmath=True)
def _contribution(grid, origin, direction, density, step, best):  # type: ignore[no-untyped-def]
    frame, links, free, empty, soft, scale = grid
    o, d = np.empty(3), np.empty(3)
    rows, weights = np.empty((1, 8), np.int32), np.empty((1, 8), np.float32)
    length = normalised(frame, origin, direction, o, d)
    t, far = ray_range(frame, o, d)
    light = 1.0
    while t < far and light > 1e-3:
        i, j, k, speed, pace = locate(frame, links.shape, o, d, length, t)
        ahead = step / speed
        leap = jump(free, i, j, k)
        if leap > 0:
            t += max(leap, step) / speed
            continue
        corners(links, i, j, k, rows, weights, 0)
        sigma, _ = density_at(rows, weights, 0, density, empty, soft)
        alpha = 1.0 - math.exp(-sigma * scale * ahead * pace)
        for c in range(8):
            if rows[0, c] >= 0 and light * alpha > best[rows[0, c]]:
                best[rows[0, c]] = light * alpha
        light *= 1.0 - alpha
        t += ahead
