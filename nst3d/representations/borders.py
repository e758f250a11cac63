"""Borders of UV islands: edges at which one texture is cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.representations.surface import Surface, TexelBinding, weld
from nst3d.representations.triangles import face_normals, uv_areas
from nst3d.tensors import Array

_APART = 0.1
"""Distance in texels below which UVs on both sides of an edge are the same."""
_SMOOTH = np.cos(np.radians(40.0))
_ALONG = (0.25, 0.5, 0.75)
"""Where on an edge points are taken, as shares of its length."""
_STEP = 0.5
"""Distance of a point from its edge in texels: its colour mixes texels on both sides of the border."""
_DEEPEST = 1 / 3
"""The part of a face's height that a point may be away from its edge."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges that two faces of one texture share."""

    faces: Array
    """(e, 2) int."""
    corners: Array
    """(e, 2, 3) int: for each of the two faces the corner at the start of the edge, at its end, and opposite."""
    cut: Array
    """(e,) bool: whether the UVs of the two faces differ there."""
    smooth: Array
    """(e,) bool: whether the surface turns by less than 40 degrees there."""

    def of(self, rows: Array) -> Edges:
        """Some of them."""
        return Edges(self.faces[rows], self.corners[rows], self.cut[rows], self.smooth[rows])


@dataclass(frozen=True, eq=False)
class PointPairs:
    """Pairs of points on both sides of edges, half a texel away from them."""

    faces: Array
    """(m, 2) int."""
    weights: Array
    """(m, 2, 3) barycentric, for each of the two faces."""
    places: Array
    """(m, 3) between the two."""
    lengths: Array
    """(m,) the part of an edge that a pair stands for."""


def shared_edges(surface: Surface) -> Edges:
    """The edges of a textured surface that exactly two faces share by position, and that have one texture.

    TypeError for a surface that is painted on its vertices.
    """
    binding = surface.binding
    if not isinstance(binding, TexelBinding):
        raise TypeError("borders of UV islands need a textured surface")
    first, group = weld(surface.positions)
    around = group[surface.faces]
    start, end = around.ravel(), np.roll(around, -1, axis=1).ravel()
    low, high = np.minimum(start, end).astype(np.int64), np.maximum(start, end)
    key = np.where(low == high, -1, low * len(first) + high)
    order = np.argsort(key, kind="stable")
    key = key[order]
    _, place, count = np.unique(key, return_index=True, return_counts=True)
    place = place[(count == 2) & (key[place] >= 0)]
    halves = np.stack([order[place], order[place + 1]], axis=1)  # (e, 2) half edges: 3 · face + corner
    faces, corner = halves // 3, halves % 3
    begins = np.stack([corner, (corner + 1) % 3], axis=2)
    turned = start[halves[:, 1]] != start[halves[:, 0]]
    begins[turned, 1] = begins[turned, 1, ::-1]
    corners = np.concatenate([begins, (corner[..., None] + 2) % 3], axis=2)
    same = binding.slot[faces[:, 0]] == binding.slot[faces[:, 1]]
    faces, corners = faces[same], corners[same]
    normals = face_normals(surface.positions[surface.faces].astype(np.float64))[faces]
    smooth = np.einsum("ec,ec->e", normals[:, 0], normals[:, 1]) > _SMOOTH
    return Edges(faces, corners, _cut(binding, faces, corners), smooth)


def _cut(binding: TexelBinding, faces: Array, corners: Array) -> Array:
    """Whether the UVs of both faces (e, 2) differ at an end of the edge; whole turns of a wrapping texture do not."""
    uvs = binding.corners[faces[..., None], corners[..., :2]].astype(np.float64)  # (e, face, end, 2)
    apart = np.abs(uvs[:, 0] - uvs[:, 1])
    slots = binding.slots[binding.slot[faces[:, 0]]]
    repeats = slots[:, None, 3:5] == 0
    apart = np.where(repeats, np.abs(apart - np.round(apart)), apart)
    sizes = slots[:, None, [2, 1]]
    return np.asarray((apart * sizes > _APART).any((1, 2)))


def smooth_cuts(edges: Edges) -> Array:
    """The cuts on smooth parts of the surface, (e,) bool: at its creases a jump of colours is no seam."""
    return edges.cut & edges.smooth


def beside_cuts(edges: Edges, num_faces: int) -> Array:
    """The smooth edges without a cut whose faces have one elsewhere, (e,) bool; all without a cut if there are none."""
    near = np.zeros(num_faces, bool)
    near[edges.faces[smooth_cuts(edges)]] = True
    plain = ~edges.cut & edges.smooth
    beside = plain & near[edges.faces].any(1)
    return beside if beside.any() else plain


def texel_sides(surface: Surface) -> Array:
    """The side of a texel on each face, (f,) float64, in the surface's units; 0 for faces without area."""
    binding = surface.binding
    assert isinstance(binding, TexelBinding)
    texels = uv_areas(binding.corners.astype(np.float64)) * binding.slots[binding.slot, 1:3].prod(1)
    return np.sqrt(np.divide(surface.areas(), texels, out=np.zeros(len(texels)), where=texels > 0))


def point_pairs(surface: Surface, edges: Edges) -> PointPairs:
    """Three pairs of points for each edge, of which those are left out that are not within their faces.

    Both are half a texel away from the edge, or less where a face is low.
    """
    found = [points_along(surface, edges, np.full(len(edges.faces), place)) for place in _ALONG]
    faces, weights, places, lengths = (
        np.concatenate([getattr(pairs, name) for pairs in found])
        for name in ("faces", "weights", "places", "lengths")
    )
    return PointPairs(faces, weights, places, lengths / len(_ALONG))


def points_along(surface: Surface, edges: Edges, share: Array) -> PointPairs:
    """A pair of points for each edge, at a `share` (e,) of its length; each stands for the whole edge.

    Left out are those that are not within their faces. Both are half a texel away from the edge, or less where a face
    is low.
    """
    triangles = surface.positions[surface.faces[edges.faces]].astype(np.float64)  # (e, face, corner, 3)
    a, b, c = np.moveaxis(np.take_along_axis(triangles, edges.corners[..., None], 2), 2, 0)
    along = b - a
    length = np.linalg.norm(along, axis=2)
    foot = np.einsum("efc,efc->ef", c - a, along) / np.maximum(length**2, 1e-30)
    height = np.linalg.norm(c - a - foot[..., None] * along, axis=2)
    step = np.minimum(_STEP * texel_sides(surface)[edges.faces].mean(1), _DEEPEST * height.min(1))
    deep = step[:, None] / np.maximum(height, 1e-30)
    place = share[:, None]
    own = np.stack([1 - place - deep * (1 - foot), place - deep * foot, deep], axis=2)
    weights = np.zeros_like(own)
    np.put_along_axis(weights, edges.corners, own, 2)
    good = (own >= 0).all((1, 2)) & (step > 0)
    middle = a[:, 0] + place * along[:, 0]
    return PointPairs(edges.faces[good], weights[good], middle[good], length[good, 0])
