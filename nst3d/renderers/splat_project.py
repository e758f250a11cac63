"""Projection of splats: elliptical footprints in the image, nearest first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.kernels import kernel
from nst3d.representations.splats import Splats
from nst3d.tensors import Array

MIN_ALPHA = 1 / 255
"""Alpha below which a splat is not seen in a pixel (Kerbl et al. 2023)."""
BLUR = 0.3
"""Variance added to a footprint, pixels², so that no splat is thinner than a pixel (Kerbl et al. 2023)."""
GUARD = 0.3
"""Distance outside the image, in half sides, up to which the projection's derivative is not clamped."""
_STEP = 1e-5
"""Step of the finite differences for a lens's derivative, in normalised coordinates."""
_CHUNK = 1 << 18
"""Splats projected at a time, which bounds temporary memory."""

X, Y, SHEAR, ACROSS, ALONG, OPACITY, LIMIT, HEIGHT, TURN = range(9)
"""Columns of `Footprints.table`."""
COLUMNS = 9


@dataclass(frozen=True)
class Footprints:
    """The splats that a camera may see, nearest first; equal depths keep the splats' order.

    A splat covers opacity · exp(−p) of the pixel (x, y), where p = along · dy² + across · (dx − shear · dy)²:
    a Gaussian in each row, which is exact in float32 even for very long and thin ellipses.
    """

    table: Array
    """(m, 9) float64: centre x and y, shear, across, along, opacity, the largest visible p, half the height
    of the visible part, and the dy at which that part extends farthest to the right."""
    splats: Array
    """(m,) int32: rows of the splats."""
    depths: Array
    """(m,) float32: depth along the viewing axis."""


@dataclass(frozen=True)
class Projection:
    """Options for projecting splats."""

    near: float = 0.01
    """Depth below which splats are dropped, measured at their centre along the viewing axis, world units."""
    antialiased: bool = False
    """Whether to dim splats by as much as the blur enlarges them, for scenes trained that way (Mip-Splatting,
    Yu et al. 2024)."""


def near_plane(splats: Splats) -> float:
    """The near plane of a scene: 0.01, as in training, or a hundredth of the size of one that is smaller than 1."""
    some = splats.positions[:: max(1, len(splats) // 10_000)]
    some = some[np.isfinite(some).all(1)]
    if not len(some):
        return Projection.near
    size = float(np.ptp(np.quantile(some, (0.01, 0.99), axis=0), axis=0).max())
    return min(Projection.near, 0.01 * size) if size > 0 else Projection.near


def project(splats: Splats, camera: Camera, options: Projection) -> Footprints:
    """The footprints of splats (EWA splatting, Zwicker et al. 2001, as used by Kerbl et al. 2023).

    A lens moves the centres and, by its derivative there, shapes the footprints. Splats that are not finite,
    too faint, or too far outside to be seen are dropped.
    """
    parts = [_project_chunk(splats, camera, options, at) for at in range(0, len(splats), _CHUNK)]
    table, rows, depths = (np.concatenate(arrays) for arrays in zip(*(parts or [_nothing()])))
    order = np.argsort(depths, kind="stable")
    return Footprints(table[order], rows[order], depths[order].astype(np.float32))


def _nothing() -> tuple[Array, Array, Array]:
    return np.empty((0, COLUMNS)), np.empty(0, np.int32), np.empty(0)


class _View(NamedTuple):
    """A camera and options, in the kernel's form."""

    pose: Array
    shape: Array
    near: float
    antialiased: bool


def _project_chunk(
    splats: Splats, camera: Camera, options: Projection, start: int
) -> tuple[Array, Array, Array]:
    """Footprints of the potentially visible splats in a chunk, their rows and depths."""
    part = slice(start, start + _CHUNK)
    positions = np.asarray(splats.positions[part], np.float64)
    with np.errstate(all="ignore"):
        pixels, depths = camera.project(positions)
        local = (positions - camera.position) @ camera.camera_to_world[:3, :3]
    table = np.empty((len(positions), COLUMNS))
    seen = np.empty(len(positions), np.bool_)
    shape = np.array([camera.size.width, camera.size.height], np.float64)
    focals = np.array([camera.focal, camera.focal * camera.aspect])
    pose = np.ascontiguousarray(camera.camera_to_world[:3, :3], np.float64)
    view = _View(pose, shape, float(options.near), options.antialiased)
    projection = _slopes(camera, local, focals, shape)
    shapes = (splats.scales[part], splats.rotations[part], splats.opacities[part])
    _footprints(depths, pixels, projection, shapes, view, table, seen)
    rows = np.flatnonzero(seen)
    return table[rows], (rows + start).astype(np.int32), depths[rows]


def _slopes(camera: Camera, local: Array, focals: Array, shape: Array) -> tuple[Array, Array]:
    """x / z and y / z (n, 2) of points in camera axes, clamped near the image, and d pixel / d of them."""
    corners = np.array([[0.0, 0.0], [1, 0], [0, 1], [1, 1]]) * shape
    sides = (camera.directions(corners) @ camera.camera_to_world[:3, :3])[:, :2]
    margin = GUARD * shape / (2 * focals)
    with np.errstate(all="ignore"):
        flat = np.clip(local[:, :2] / local[:, 2:], sides.min(0) - margin, sides.max(0) + margin)
    if camera.lens is None:
        return flat, np.tile(np.diag(focals), (len(flat), 1, 1))
    steps = _STEP * np.eye(2)
    bent = [(camera.lens.distort(flat + s) - camera.lens.distort(flat - s)) / (2 * _STEP) for s in steps]
    return flat, np.stack(bent, axis=-1) * focals[:, None]


@kernel(parallel=True, error_model="numpy")
def _footprints(depths, pixels, projection, shapes, view, table, seen):  # type: ignore[no-untyped-def]
    # Outputs are separate arguments: in a prange, numba drops writes to arrays unpacked from a tuple.
    flat, slopes = projection
    scales, rotations, opacities = shapes
    pose = view.pose
    for i in numba.prange(len(depths)):
        z = depths[i]
        seen[i] = False
        if not (z > view.near and opacities[i] >= MIN_ALPHA):
            continue
        u, v = flat[i]
        # d (x / z) and d (y / z), times z, in world axes; then the rows of the projection's derivative.
        du = (pose[0, 0] - u * pose[0, 2], pose[1, 0] - u * pose[1, 2], pose[2, 0] - u * pose[2, 2])
        dv = (pose[0, 1] - v * pose[0, 2], pose[1, 1] - v * pose[1, 2], pose[2, 1] - v * pose[2, 2])
        a = _mix(slopes[i, 0] / z, du, dv)
        b = _mix(slopes[i, 1] / z, du, dv)
        (a0, a1, a2), (b0, b1, b2) = _along_axes(rotations[i], scales[i], a, b)
        xx, yy = a0 * a0 + a1 * a1 + a2 * a2, b0 * b0 + b1 * b1 + b2 * b2
        # As a sum of squares the determinant is correct for needles, too, where xx · yy − xy² cancels.
        sharp = (a0 * b1 - a1 * b0) ** 2 + (a1 * b2 - a2 * b1) ** 2 + (a2 * b0 - a0 * b2) ** 2
        blurred = sharp + BLUR * (xx + yy) + BLUR * BLUR
        opacity = min(np.float64(opacities[i]), 1.0)
        if view.antialiased:
            opacity *= math.sqrt(sharp / blurred)
        covariance = (xx + BLUR, a0 * b0 + a1 * b1 + a2 * b2, yy + BLUR, blurred)
        seen[i] = _describe(pixels[i], covariance, opacity, view.shape, table[i])


@kernel(error_model="numpy")
def _along_axes(q, scales, a, b):  # type: ignore[no-untyped-def]
    """Two vectors' components along a splat's axes, times its standard deviations."""
    w, x, y, z = np.float64(q[0]), np.float64(q[1]), np.float64(q[2]), np.float64(q[3])
    s, t, u = np.float64(scales[0]), np.float64(scales[1]), np.float64(scales[2])
    first = (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y))
    second = (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x))
    third = (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y))
    return (
        (s * _dot(a, first), t * _dot(a, second), u * _dot(a, third)),
        (s * _dot(b, first), t * _dot(b, second), u * _dot(b, third)),
    )


@kernel()
def _mix(shares, a, b):  # type: ignore[no-untyped-def]
    s, t = shares[0], shares[1]
    return s * a[0] + t * b[0], s * a[1] + t * b[1], s * a[2] + t * b[2]


@kernel()
def _dot(a, b):  # type: ignore[no-untyped-def]
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@kernel(error_model="numpy")
def _describe(pixel, covariance, opacity, shape, out):  # type: ignore[no-untyped-def]
    """Fill a table row from a covariance (xx, xy, yy, determinant); returns whether it reaches the image."""
    xx, xy, yy, determinant = covariance
    if not (opacity >= MIN_ALPHA and math.isfinite(determinant) and math.isfinite(pixel[0] + pixel[1])):
        return False
    limit = math.log(opacity / MIN_ALPHA)
    width, height = math.sqrt(2 * limit * xx), math.sqrt(2 * limit * yy)
    out[X], out[Y], out[SHEAR] = pixel[0], pixel[1], xy / yy
    out[ACROSS], out[ALONG] = 0.5 * yy / determinant, 0.5 / yy
    out[OPACITY], out[LIMIT], out[HEIGHT] = opacity, limit, height
    out[TURN] = xy * math.sqrt(2 * limit / xx)
    across = pixel[0] + width >= 0.5 and pixel[0] - width <= shape[0] - 0.5
    return across and pixel[1] + height >= 0.5 and pixel[1] - height <= shape[1] - 0.5
