"""How much light the points of a surface stop, and which faces turn their invisible side to a ray."""

from __future__ import annotations

import numba
import numpy as np

from nst3d.kernels import kernel
from nst3d.renderers.taps import texel_taps
from nst3d.representations.surface import Surface
from nst3d.tensors import Array


def opacity_at(surface: Surface, face: Array, u: Array, v: Array) -> Array:
    """The opacity in [0, 1] of points on faces, shaped like `face`, float32; 0 where that is -1.

    `u` and `v` are the barycentric weights of a face's second and third corner.
    """
    opacity = surface.opacity
    if opacity is None:
        return (face >= 0).astype(np.float32)
    out = np.zeros(face.shape, np.float32)
    points = (face.ravel(), u.astype(np.float32).ravel(), v.astype(np.float32).ravel())
    rules = (opacity.rule, opacity.rules, opacity.image, opacity.own, opacity.corners)
    _look_up(points, rules, (opacity.images, opacity.alphas), out.ravel())
    return out


def turned_away(surface: Surface, face: Array, directions: Array) -> Array:
    """Whether rays along `directions` (…, 3) see faces (…) from the side that is not shown, bool."""
    if surface.sides is None:
        return np.zeros(face.shape, bool)
    out = np.zeros(face.shape, np.bool_)
    along = directions.reshape(-1, 3)
    _turn(face.ravel(), along, (surface.positions, surface.faces, surface.sides), out.ravel())
    return out


@kernel(parallel=True)
def _look_up(points, rules, pictures, out):  # type: ignore[no-untyped-def]
    face, u, v = points
    rule, factors, image, own, corners = rules
    images, alphas = pictures
    for i in numba.prange(len(face)):
        f = face[i]
        if f < 0:
            continue
        r = rule[f]
        alpha = own[f, 0] + u[i] * (own[f, 1] - own[f, 0]) + v[i] * (own[f, 2] - own[f, 0])
        alpha *= factors[r, 0]
        if image[r] >= 0:
            texels, weights = np.empty(4, np.int32), np.empty(4, np.float32)
            texel_taps(corners[f], images[image[r]], u[i], v[i], texels, weights)
            mean = np.float32(0.0)
            for t in range(4):
                mean += weights[t] * alphas[texels[t]]
            alpha *= mean
        if factors[r, 1] >= 0.0:
            alpha = np.float32(1.0) if alpha >= factors[r, 1] else np.float32(0.0)
        out[i] = alpha * factors[r, 2]


@kernel(parallel=True)
def _turn(face, directions, surface, out):  # type: ignore[no-untyped-def]
    positions, faces, sides = surface
    for i in numba.prange(len(face)):
        f = face[i]
        if f < 0 or sides[f] == 0:
            continue
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        px, py, pz = positions[a, 0], positions[a, 1], positions[a, 2]
        qx, qy, qz = positions[b, 0] - px, positions[b, 1] - py, positions[b, 2] - pz
        rx, ry, rz = positions[c, 0] - px, positions[c, 1] - py, positions[c, 2] - pz
        along = directions[i, 0] * (qy * rz - qz * ry) + directions[i, 1] * (qz * rx - qx * rz)
        along += directions[i, 2] * (qx * ry - qy * rx)
        out[i] = along * sides[f] > 0.0
