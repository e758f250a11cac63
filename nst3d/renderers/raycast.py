"""First hits of camera rays on triangles, through Embree."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.opacity import opacity_at, turned_away
from nst3d.representations.surface import Surface
from nst3d.representations.triangles import face_normals
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

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """Face, u, v and depth."""
        return self.face, self.u, self.v, self.depth

    def at(self, rows: Array) -> Hits:
        """The hits (n,) at some rows."""
        return Hits(self.face[rows], self.u[rows], self.v[rows], self.depth[rows])


class Caster(Protocol):
    """Finds the fragments of views of one surface: the interface to a rasteriser for compiling views.

    A fragment is a face and a position on it. Faces are two-sided and opaque, and the nearest one is found.
    """

    def view(self, camera: Camera, samples: int) -> Hits:
        """Fragments of `samples` × `samples` samples per pixel: (height · samples, width · samples)."""


_STEP = 1e-5
"""Distance from a hit at which a ray continues (unit sphere)."""
_HIDDEN = 64
"""Faces turned away that a ray passes at most, in a place where sheets lie back to back."""
_AXIS = (0.5477, 0.6325, 0.5477)
"""Divides faces into two trees, so that those back to back are apart; along no direction in which models are made."""


class Raycaster:
    """A surface's triangles in an Embree tree."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self._tree = _Tree(surface.positions, surface.faces)
        self._halves: list[tuple[_Tree, Array]] = []

    def seen_as(self, surface: Surface) -> Raycaster:
        """The same tree for other opacities or sides of the same triangles."""
        other = copy.copy(self)
        other.surface = surface
        return other

    def cast(self, origins: Array, directions: Array) -> Hits:
        """First hits of rays (…, 3), on any face; `origins` broadcasts against `directions`."""
        return self._tree.cast(origins, directions)

    def stopped(self, hits: Hits, directions: Array) -> Array:
        """How much of the light of rays along `directions` ends at their hits, float32 in [0, 1]; 0 for a miss."""
        alpha = opacity_at(self.surface, hits.face, hits.u, hits.v)
        if self.surface.sides is not None:
            alpha[turned_away(self.surface, hits.face, directions)] = 0
        return alpha

    def beyond(self, origins: Array, directions: Array, last: Hits) -> Hits:
        """The next hits of rays (n, 3) behind their last ones.

        Behind a face that is turned away from its ray this is the next that is not, even in the same place:
        sheets of single-sided faces lie back to back.
        """
        step = _STEP / np.linalg.norm(directions, axis=1)
        hits = self._tree.cast_from(origins, directions, last.depth + step)
        rays = np.flatnonzero(turned_away(self.surface, last.face, directions))
        start = origins[rays] + directions[rays] * (last.depth[rays] - step[rays] / 2)[:, None]
        rays = rays[self._in_one_place(start, directions[rays] * step[rays, None], last.face[rays])]
        if len(rays):
            begin = last.depth[rays] - step[rays] / 2
            found = self._shown(origins[rays], directions[rays], begin, step[rays])
            for store, values in zip(hits.arrays(), found.arrays()):
                store[rays] = values
        return hits

    def _in_one_place(self, origins: Array, directions: Array, face: Array) -> Array:
        """Whether short rays (n, 3) through faces (n,) also meet one of the other half, (n,) bool."""
        met = np.zeros(len(face), bool)
        for tree, faces in self._half_trees() if len(face) else []:
            other = np.flatnonzero(~np.isin(face, faces, kind="table"))
            met[other] = tree.occluded(origins[other], directions[other])
        return met

    def _shown(self, origins: Array, directions: Array, start: Array, step: Array) -> Hits:
        """First hits of rays (n, 3) from `start` (n,) on faces that are not turned away from them."""
        best = Hits(
            np.full(len(start), -1, np.int32), *(np.full(len(start), x, np.float32) for x in (0, 0, np.inf))
        )
        for tree, faces in self._half_trees():
            begin, rays = start.copy(), np.arange(len(start))
            for _ in range(_HIDDEN):
                half = tree.cast_from(origins[rays], directions[rays], begin[rays])
                hits = Hits(np.where(half.face >= 0, faces[half.face], -1), half.u, half.v, half.depth)
                away = turned_away(self.surface, hits.face, directions[rays])
                nearer = np.flatnonzero(~away & (hits.face >= 0) & (hits.depth < best.depth[rays]))
                for store, values in zip(best.arrays(), hits.arrays()):
                    store[rays[nearer]] = values[nearer]
                begin[rays] = hits.depth + step[rays]
                rays = rays[away & (hits.depth < best.depth[rays])]
                if not len(rays):
                    break
        return best

    def _half_trees(self) -> list[tuple[_Tree, Array]]:
        """Two trees, of the faces towards `_AXIS` and of all others, with the faces' numbers."""
        if not self._halves:
            towards = face_normals(self.surface.positions[self.surface.faces]) @ np.array(_AXIS) > 0
            for half in (np.flatnonzero(towards), np.flatnonzero(~towards)):
                if len(half):
                    tree = _Tree(self.surface.positions, self.surface.faces[half])
                    self._halves.append((tree, half.astype(np.int32)))
        return self._halves

    def occluded(self, origins: Array, directions: Array) -> Array:
        """Whether rays (n, 3) hit anything within their own length, (n,) bool."""
        return self._tree.occluded(origins, directions)

    def view(self, camera: Camera, samples: int) -> Hits:
        """First hits of `samples` × `samples` rays per pixel, (height · samples, width · samples)."""
        origin, directions = camera.scaled(samples).rays()
        return self.cast(origin, directions)


class _Tree:
    """Triangles in an Embree scene."""

    def __init__(self, positions: Array, faces: Array) -> None:
        self._scene = EmbreeScene()
        self._mesh = TriangleMesh(self._scene, positions[faces])

    def cast(self, origins: Array, directions: Array) -> Hits:
        shape = directions.shape[:-1]
        rays = np.ascontiguousarray(directions.reshape(-1, 3), np.float32)
        starts = np.ascontiguousarray(np.broadcast_to(origins, directions.shape).reshape(-1, 3), np.float32)
        out = self._scene.run(starts, rays, query="INTERSECT", output=True)
        face = np.where(out["geomID"] >= 0, out["primID"], -1).astype(np.int32)
        return Hits(*(a.reshape(shape) for a in (face, out["u"], out["v"], out["tfar"])))

    def cast_from(self, origins: Array, directions: Array, depth: Array) -> Hits:
        """First hits of rays (n, 3) behind a depth (n,), which counts from their origins."""
        hits = self.cast(origins + directions * depth[:, None], directions)
        return Hits(hits.face, hits.u, hits.v, (hits.depth + depth).astype(np.float32))

    def occluded(self, origins: Array, directions: Array) -> Array:
        starts = np.ascontiguousarray(origins, np.float32)
        rays = np.ascontiguousarray(directions, np.float32)
        reach = np.ones(len(rays), np.float32)
        return self._scene.run(starts, rays, dists=reach, query="OCCLUDED") >= 0


Casting = Callable[[Surface], Caster]
"""Makes what finds the fragments of a surface's views."""
