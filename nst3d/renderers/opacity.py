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
    rules = (opacity.rule, opacity.rules, opacity.image, opacity.corners)
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
    rule, factors, image, corners = rules
    images, alphas = pictures
    for i in numba.prange(len(face)):
        f = face[i]
        if f < 0:
            continue
        r = rule[f]
        alpha = factors[r, 0]
        if image[r] >= 0:
            texels, weights = np.empty(4, np.int32), np.empty(4, np.float32)
            texel_taps(corners[f], images[image[r]], u[i], v[i], texels, weights)
            mean = np.float32(0.0)
            for t in range(4):
                mean += weights[t] * alphas[texels[t]]
            alpha *= mean
        if factors[r, 1] >= 0.0:
            alpha = np.float32(1.0) if alpha >= factors[r, 1] else np.float32(0.0)
        out[i] = alpha


@kernel(parallel=True)
def _turn(face, directions, surface, out):  # type: ignore[no-untyped-def]
    positions, faces, sides = surface
    for i in numba.prange(len(face)):
        f = face[i]
        if f < 0 or sides[f] == 0:
            continue
        a, b, c = positions[faces[f, 0]], positions[faces[f, 1]], positions[faces[f, 2]]
        total = 0.0
        for k in range(3):
            m, n = (k + 1) % 3, (k + 2) % 3
            cross = (b[m] - a[m]) * (c[n] - a[n]) - (b[n] - a[n]) * (c[m] - a[m])
            total += cross * directions[i, k]
        out[i] = total * sides[f] > 0.0
