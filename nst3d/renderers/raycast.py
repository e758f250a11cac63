"""First hits of camera rays on triangles, through Embree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from nst3d.cameras.pinhole import Camera
from nst3d.representations.surface import Surface
from nst3d.tensors import Array


@dataclass(frozen=True)
class Hits:
    """First hits of rays; arrays are shaped like the rays."""

    face: Array
    """int32 face of the surface, or -1 for a miss."""
    u: Array
    """float32 barycentric weight of the face's second corner."""
    v: Array
    """float32 barycentric weight of the face's third corner."""
    depth: Array
    """float32 ray parameter at the hit: with `Camera.rays`, the depth along the viewing axis."""


class Caster(Protocol):
    """Finds the fragments of views of one surface: the interface to a rasteriser for compiling views.

    A fragment is a face and a position on it. Faces are two-sided, and the nearest one is seen.
    """

    def view(self, camera: Camera, samples: int) -> Hits:
        """Fragments of `samples` × `samples` samples per pixel: (height · samples, width · samples)."""


class Raycaster:
    """A surface's triangles in an Embree tree."""

    def __init__(self, surface: Surface) -> None:
        self._scene = EmbreeScene()
        self._mesh = TriangleMesh(self._scene, surface.positions[surface.faces])

    def cast(self, origins: Array, directions: Array) -> Hits:
        """First hits of rays (…, 3); `origins` broadcasts against `directions`."""
        shape = directions.shape[:-1]
        rays = np.ascontiguousarray(directions.reshape(-1, 3), np.float32)
        starts = np.ascontiguousarray(np.broadcast_to(origins, directions.shape).reshape(-1, 3), np.float32)
        out = self._scene.run(starts, rays, query="INTERSECT", output=True)
        face = np.where(out["geomID"] >= 0, out["primID"], -1).astype(np.int32)
        return Hits(*(a.reshape(shape) for a in (face, out["u"], out["v"], out["tfar"])))

    def occluded(self, origins: Array, directions: Array) -> Array:
        """Whether rays (n, 3) hit anything within their own length, (n,) bool."""
        starts = np.ascontiguousarray(origins, np.float32)
        rays = np.ascontiguousarray(directions, np.float32)
        reach = np.ones(len(rays), np.float32)
        return self._scene.run(starts, rays, dists=reach, query="OCCLUDED") >= 0

    def view(self, camera: Camera, samples: int) -> Hits:
        """First hits of `samples` × `samples` rays per pixel, (height · samples, width · samples)."""
        origin, directions = camera.scaled(samples).rays()
        return self.cast(origin, directions)


Casting = Callable[[Surface], Caster]
"""Makes what finds the fragments of a surface's views."""
