"""Checks where a depth map and a mesh show the same surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.fusion import DepthPicture
from nst3d.renderers.raycast import Raycaster
from nst3d.representations.lattice import Lattice
from nst3d.representations.mesh import Mesh, Similarity
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.representations.triangles import face_normals
from nst3d.tensors import Array

_NEAR = 2.0
"""Tolerance between a depth map and the mesh, in cells."""


def normalised(camera: Camera, frame: Similarity) -> Camera:
    """A world camera in the frame of a mesh's surface."""
    pose = camera.camera_to_world.copy()
    pose[:3, 3] = frame.apply(pose[:3, 3])
    return replace(camera, camera_to_world=pose)


def agreement(
    surface: Surface, caster: Raycaster, sight: DepthPicture, lattice: Lattice, frame: Similarity
) -> tuple[Array, Array]:
    """The face at each pixel's centre (h, w), −1 for none, and a visibility weight, (h, w) float32.

    The weight is the cosine of the viewing angle, and 0 where the picture shows something other than the
    mesh.
    """
    camera = normalised(sight.camera, frame)
    hits = caster.view(camera, 1)
    origin, rays = camera.rays()
    seen = np.zeros(hits.face.shape, np.float32)
    hit = hits.face >= 0
    depth, rays = hits.depth[hit].astype(np.float64), rays[hit]
    corners = surface.positions[surface.faces[hits.face[hit]]]
    cosine = np.abs(np.einsum("nc,nc->n", face_normals(corners), rays)) / np.linalg.norm(rays, axis=1)
    points = (origin + rays * depth[:, None]) / frame.scale + frame.centre
    with np.errstate(invalid="ignore"):
        near = np.abs(depth / frame.scale - sight.depth[hit]) < _NEAR * lattice.cells(points)
    seen[hit] = np.where(near, cosine, 0.0)
    return hits.face, seen


def witnessed(mesh: Mesh, lattice: Lattice, sights: Sequence[DepthPicture], rings: int) -> Array:
    """The faces of a one-part mesh that pictures show, plus `rings` rings of faces around them, (f,) bool."""
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    caster = Raycaster(surface)
    shown = np.zeros(len(surface.faces), bool)
    for sight in sights:
        face, seen = agreement(surface, caster, sight, lattice, mesh.frame)
        shown[face[seen > 0]] = True
    faces = mesh.parts[0].faces
    for _ in range(rings):
        near = np.zeros(len(mesh.parts[0].vertices), bool)
        near[faces[shown]] = True
        shown = np.asarray(near[faces].any(1))
    return shown
