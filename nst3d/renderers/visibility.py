"""Visibility of a surface from cameras, and correspondences between their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.layers import light_between, see
from nst3d.renderers.opacity import opacity_at, turned_away
from nst3d.renderers.raycast import Raycaster
from nst3d.representations.surface import Surface
from nst3d.representations.triangles import face_normals
from nst3d.tensors import Array, ImageSize

_LIFT = 1e-3
"""Offset of ray origins from the surface (unit sphere), which avoids self-intersection."""
_GRAZING = 0.15
"""Cosine of the viewing angle below which a surface is too oblique to be painted from a camera."""
_CLEAR = 0.1
"""Share of light that must pass for a point to be seen through glass."""
_FAINT = 0.02
"""Opacity below which there is no surface to paint."""


@dataclass(frozen=True)
class Points:
    """Points on a surface."""

    positions: Array
    """(n, 3)."""
    normals: Array
    """(n, 3) unit vectors."""
    face: Array | None = None
    """(n,) int32 faces of the surface; None: points seen from both sides."""

    def at(self, rows: Array) -> Points:
        """The points of some rows."""
        face = None if self.face is None else self.face[rows]
        return Points(self.positions[rows], self.normals[rows], face)


def sample_points(surface: Surface, count: int, seed: int = 0) -> Points:
    """`count` random points on the surface, uniform by area; fewer if some of it is cut away."""
    generator = np.random.default_rng(seed)
    areas = surface.areas()
    total = areas.sum()
    shares = areas / total if total > 0 else np.full(len(areas), 1 / len(areas))
    face = generator.choice(len(areas), size=count, p=shares)
    u, v = generator.random((2, count))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    weights = np.stack([1 - u - v, u, v], axis=1)
    there = opacity_at(surface, face, u, v) > _FAINT
    if there.any() and not there.all():
        face, weights = face[there], weights[there]
    triangles = surface.positions[surface.faces[face]].astype(np.float64)
    return Points(np.einsum("nk,nkc->nc", weights, triangles), face_normals(triangles), face)


def sees(caster: Raycaster, camera: Camera, points: Points) -> Array:
    """Whether a camera sees each point (in the frame, not too oblique, unoccluded), (n,) bool.

    Opacity and sides count as in renderers: points behind glass are seen, faces that are turned away are not.
    """
    pixels, depth = camera.project(points.positions)
    to_camera = camera.position - points.positions
    reach = np.maximum(np.linalg.norm(to_camera, axis=1), 1e-30)
    cosine = np.einsum("nc,nc->n", to_camera, points.normals) / reach
    inside = (pixels >= 0).all(1) & (pixels[:, 0] < camera.size.width) & (pixels[:, 1] < camera.size.height)
    shown = inside & (depth > 0) & (np.abs(cosine) > _GRAZING)
    if points.face is not None:
        shown &= ~turned_away(caster.surface, points.face, -to_camera)
    candidates = np.flatnonzero(shown)
    lifted = points.positions[candidates]
    lifted = lifted + points.normals[candidates] * (np.sign(cosine[candidates]) * _LIFT)[:, None]
    free = ~caster.occluded(lifted, camera.position - lifted)
    if not caster.surface.solid:
        hidden = np.flatnonzero(~free)
        free[hidden] = light_between(caster, camera.position, lifted[hidden] - camera.position) > _CLEAR
    visible = np.zeros(len(points.positions), bool)
    visible[candidates[free]] = True
    return visible


@dataclass(frozen=True)
class CellPoints:
    """The surface points at the centres of a view's cells (a cell: stride × stride pixels)."""

    face: Array
    """(h, w) int32, -1 where the centre misses."""
    positions: Array
    """(h, w, 3)."""
    normals: Array
    """(h, w, 3) unit normals of the triangles."""
    stride: int
    """Side of a cell, pixels."""


def cell_points(surface: Surface, caster: Raycaster, camera: Camera, stride: int) -> CellPoints:
    """The surface points at the centres of a view's cells; only whole cells count, because encoders pool."""
    size = ImageSize(camera.size.height // stride, camera.size.width // stride)
    origin, directions = camera.scaled(1 / stride).cropped(0, 0, size).rays()
    hits = see(caster, origin, directions).median()
    triangles = surface.positions[surface.faces[np.maximum(hits.face, 0)]]
    depth = np.where(hits.face >= 0, hits.depth, 0.0)[..., None]
    return CellPoints(hits.face, origin + directions * depth, face_normals(triangles), stride)


def warp(caster: Raycaster, cells: CellPoints, partner: Camera) -> tuple[Array, Array]:
    """Positions of a view's cells in another camera's image.

    Returns positions (h, w, 2) in the partner's image as x, y in [-1, 1] (the outer borders of the area of
    its own whole cells), and valid (h, w) bool: the cell shows the surface, and the partner sees the same
    point.
    """
    shape = cells.face.shape
    points = Points(cells.positions.reshape(-1, 3), cells.normals.reshape(-1, 3), cells.face.ravel())
    valid = sees(caster, partner, points) & (cells.face.ravel() >= 0)
    pixels, _ = partner.project(points.positions)
    filled = np.array([partner.size.width, partner.size.height]) // cells.stride * cells.stride
    grid = pixels / filled * 2 - 1
    return grid.reshape(*shape, 2).astype(np.float32), valid.reshape(shape)
