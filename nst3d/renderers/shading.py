"""Lighting as fixed factors that depend on a surface's orientation but not on its colour."""

from __future__ import annotations

from typing import Literal

import numba
import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.kernels import kernel
from nst3d.renderers.raycast import Hits
from nst3d.representations.surface import Surface
from nst3d.tensors import Array

Lighting = Literal["none", "headlight", "studio"]
"""none: 1 everywhere. headlight: a lamp at the camera. studio: a key, a fill and a rim light that move
with the camera, and a sky."""

# Lights in camera axes (x right, y up, z towards the camera): direction and strength. Then the ambient
# strength, and how much more of it comes from above.
_LIGHTS = {
    "headlight": np.array([[0.0, 0.0, 0.0, 0.0]], np.float32),
    "studio": np.array(
        [[-0.45, 0.65, 0.62, 0.62], [0.75, 0.15, 0.64, 0.18], [0.25, 0.70, -0.67, 0.22]], np.float32
    ),
}
_AMBIENT = {"headlight": (0.3, 0.0, 0.7), "studio": (0.42, 0.12, 0.0)}


def lamps(lighting: Lighting) -> tuple[Array, tuple[float, float, float]]:
    """Lamps (k, 4) of headlight or studio: direction in camera axes (x right, y up, z to the camera), strength.

    Also the ambient strength, how much more of it comes from above, and the strength of a lamp at the camera.
    """
    return _LIGHTS[lighting], _AMBIENT[lighting]


def shade_samples(surface: Surface, hits: Hits, camera: Camera, lighting: Lighting) -> Array:
    """Shading factors of a view's samples, shaped like `hits.face`, float32 from 0.2 to 1.3; 1 for a miss.

    Surfaces are two-sided: normals that face away from the camera are flipped.
    """
    factors = np.ones(hits.face.shape, np.float32)
    if lighting == "none":
        return factors
    right, down, forward = camera.camera_to_world[:3, :3].T
    axes = np.stack([right, -down, -forward]).astype(np.float32)
    _shade(
        (hits.face.ravel(), hits.u.ravel(), hits.v.ravel()),
        (surface.positions, surface.faces, surface.normals),
        (camera.position.astype(np.float32), axes),
        _LIGHTS[lighting],
        np.array(_AMBIENT[lighting], np.float32),
        factors.ravel(),
    )
    return factors


@kernel(parallel=True, fastmath=True)
def _shade(hits, surface, camera, lights, ambient, out):  # type: ignore[no-untyped-def]
    face, u, v = hits
    positions, faces, normals = surface
    eye, axes = camera
    for i in numba.prange(len(face)):
        f = face[i]
        if f < 0:
            continue
        w = np.float32(1.0) - u[i] - v[i]
        local = np.zeros(3, np.float32)
        facing = np.float32(0.0)
        length = np.float32(1e-12)
        reach = np.float32(1e-12)
        for c in range(3):
            n = w * normals[f, 0, c] + u[i] * normals[f, 1, c] + v[i] * normals[f, 2, c]
            point = w * positions[faces[f, 0], c]
            point += u[i] * positions[faces[f, 1], c] + v[i] * positions[faces[f, 2], c]
            to_eye = eye[c] - point
            facing += n * to_eye
            length += n * n
            reach += to_eye * to_eye
            for axis in range(3):
                local[axis] += axes[axis, c] * n
        turn = (np.float32(-1.0) if facing < 0 else np.float32(1.0)) / np.sqrt(length)
        total = ambient[0] + ambient[1] * local[1] * turn + ambient[2] * abs(facing) / np.sqrt(length * reach)
        for k in range(len(lights)):
            lambert = lights[k, 0] * local[0] + lights[k, 1] * local[1] + lights[k, 2] * local[2]
            total += lights[k, 3] * max(lambert * turn, np.float32(0.0))
        out[i] = total
