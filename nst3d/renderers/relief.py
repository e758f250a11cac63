"""A grey, lit image of a surface that is differentiable in its vertex positions.

The face that each pixel sees is found by a ray caster and held fixed; the point on that face, its normal and
its shading follow the vertices, as in Paparazzi (Liu et al. 2018). Silhouettes are blended where they cross
between the centres of two pixels (Laine et al. 2020, section 3.6), so that they have gradients, too (Kato et
al. 2018 use an approximate slope for this).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.raycast import Hits
from nst3d.renderers.shading import Lighting, lamps
from nst3d.tensors import Array, Image

_TINY = 1e-12
_GAP = 1e-4
"""Minimum distance (unit sphere) between an outline and what is behind it."""


@dataclass(frozen=True)
class ReliefMesh:
    """Triangles with moving vertices and shared normals."""

    faces: torch.Tensor
    """(f, 3) int64 rows of the positions."""
    corners: torch.Tensor
    """(f, 3) int64: index of each corner's normal, from 0; corners with the same index are smooth."""
    neighbours: torch.Tensor
    """(f, 3) int64: the face across the edge from corner k to k + 1; -1: none or several."""

    @property
    def num_normals(self) -> int:
        """Number of distinct normals."""
        return int(self.corners.max()) + 1


@dataclass(frozen=True)
class PixelHits:
    """Visibility of a view's pixels, held fixed between casts."""

    camera: Camera
    face: torch.Tensor
    """(h, w) int64 face, or -1."""
    depth: torch.Tensor
    """(h, w) depth along the rays; infinite where nothing is seen."""
    origin: torch.Tensor
    """(3,) origin of all rays."""
    directions: torch.Tensor
    """(h, w, 3)."""

    @classmethod
    def of(cls, camera: Camera, hits: Hits, dtype: torch.dtype, device: torch.device) -> PixelHits:
        """From a camera and one hit per pixel."""
        origin, directions = camera.rays()
        depth = np.where(hits.face >= 0, hits.depth, np.inf)

        def tensor(a: Array) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(a)).to(device, dtype)

        face = torch.from_numpy(hits.face.astype(np.int64)).to(device)
        return cls(camera, face, tensor(depth), tensor(origin), tensor(directions))


def corner_normals(positions: torch.Tensor, mesh: ReliefMesh) -> torch.Tensor:
    """Shared unit normals (n, 3): the area-weighted mean of face normals."""
    crosses = _crosses(positions, mesh.faces)
    total = positions.new_zeros(mesh.num_normals, 3)
    total = total.index_add(0, mesh.corners.reshape(-1), crosses.repeat_interleave(3, 0))
    return _unit(total)


def shade(positions: torch.Tensor, mesh: ReliefMesh, sight: PixelHits, lighting: Lighting) -> torch.Tensor:
    """Shading factors (h, w) of pixels, 0 where nothing is seen: a differentiable `shade_samples`.

    `positions` is (v, 3). The visible point is where the pixel's ray meets the plane of its face, so that
    moving a face sideways moves its shading, too.
    """
    rows = torch.nonzero(sight.face.reshape(-1) >= 0)[:, 0]
    face = sight.face.reshape(-1)[rows]
    rays = sight.directions.reshape(-1, 3)[rows]
    weights, points = _meet(positions[mesh.faces[face]], sight.origin, rays)
    normals = corner_normals(positions, mesh)[mesh.corners[face]]
    normal = _unit((weights[:, :, None] * normals).sum(1))
    to_eye = _unit(sight.origin - points)
    facing = (normal * to_eye).sum(1)
    normal = torch.where(facing[:, None] < 0, -normal, normal)
    factors = _lit(normal, facing.abs(), sight.camera, lighting)
    return positions.new_zeros(sight.face.numel()).index_put((rows,), factors).reshape(sight.face.shape)


def relief_image(
    positions: torch.Tensor,
    mesh: ReliefMesh,
    sight: PixelHits,
    lighting: Lighting,
    grey: float,
    background: float,
) -> tuple[Image, torch.Tensor]:
    """The lit grey image (h, w, 1) with blended outlines, and its coverage (h, w) without blending.

    Differentiable in `positions` (v, 3): inside faces through shading, at outlines through their extent.
    """
    seen = sight.face >= 0
    shades = shade(positions, mesh, sight, lighting) * grey
    image = torch.where(seen, shades, torch.full_like(shades, background))
    return Image(blend_outlines(image, positions, mesh, sight)[..., None]), seen.to(shades.dtype)


def blend_outlines(
    image: torch.Tensor, positions: torch.Tensor, mesh: ReliefMesh, sight: PixelHits
) -> torch.Tensor:
    """The image (h, w) with pixels blended across outlines that pass between the centres of two neighbours.

    An edge is an outline if one of its faces is back-facing or missing. Steep ones are traced from row to
    row, flat ones from column to column. Where an outline crosses the line between two centres, in front of
    what the farther pixel sees, the two pixels are blended by its distance from the middle. Deviates from the
    paper, which searches outlines on the faces that pixels see and so misses faces smaller than a pixel: here
    all edges are tested.
    """
    pixels, depth = _projected(positions, sight.camera)
    edges = _outlines(pixels.detach(), mesh)
    flat = image.reshape(-1)
    change = torch.zeros_like(flat)
    for axis in (0, 1):
        near, far, place = _crossings(pixels, depth.detach(), edges, axis, sight)
        beyond, short = (place - 0.5).clamp_min(0), (0.5 - place).clamp_min(0)
        change = change.index_add(0, far, beyond * (flat[near] - flat[far]))
        change = change.index_add(0, near, short * (flat[far] - flat[near]))
    return (flat + change).reshape(image.shape)


def _outlines(pixels: torch.Tensor, mesh: ReliefMesh) -> torch.Tensor:
    """The ends (k, 2) of edges between a front face and a back face or no face."""
    turned = _turned(pixels, mesh.faces)
    outline = (mesh.neighbours < 0) | (turned[mesh.neighbours.clamp_min(0)] & ~turned[:, None])
    face, corner = torch.nonzero(outline, as_tuple=True)
    return torch.stack([mesh.faces[face, corner], mesh.faces[face, (corner + 1) % 3]], 1)


def _crossings(
    pixels: torch.Tensor, depth: torch.Tensor, edges: torch.Tensor, axis: int, sight: PixelHits
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Crossings of outlines between neighbouring pixel centres in a row (axis 0) or a column (axis 1).

    Returns the pixel that sees the nearer side, its neighbour, and the outline's position from the first
    centre to the second, 0 to 1, differentiable.
    """
    main, cross = 1 - axis, axis  # of x, y: rows are numbered by y
    ends = pixels[edges]
    span = (ends[:, 1] - ends[:, 0]).abs().detach()
    steep = span[:, main] >= span[:, cross] if axis == 0 else span[:, main] > span[:, cross]
    edges, ends = edges[steep], ends[steep]
    lines = sight.face.shape[axis]
    first, last = (torch.ceil(f(ends[:, :, main].detach(), 1) - 0.5) for f in (torch.amin, torch.amax))
    first, last = first.clamp(0, lines).long(), last.clamp(0, lines).long()
    edge = torch.repeat_interleave(torch.arange(len(edges), device=edges.device), last - first)
    before = torch.cumsum(last - first, 0) - (last - first)
    line = torch.arange(len(edge), device=edges.device) - before[edge] + first[edge]
    a, b = ends[edge].unbind(1)
    share = (line + 0.5 - a[:, main]) / (b[:, main] - a[:, main])
    place = a[:, cross] + share * (b[:, cross] - a[:, cross]) - 0.5
    inverse = (1 / depth[edges[edge]]).clamp_min(_TINY)
    distance = 1 / (inverse[:, 0] + share.detach() * (inverse[:, 1] - inverse[:, 0]))
    return _visible(place, line, distance, axis, sight)


def _visible(
    place: torch.Tensor, line: torch.Tensor, distance: torch.Tensor, axis: int, sight: PixelHits
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The visible crossings at `place` along `line`, one per pair of pixels."""
    height, width = sight.face.shape
    left = torch.floor(place.detach()).long()
    inside = (left >= 0) & (left < (width, height)[axis] - 1)
    place, line, distance, left = (t[inside] for t in (place, line, distance, left))
    rows = (line * width + left, left * width + line)[axis]
    ahead = rows + (1, width)[axis]
    seen = sight.depth.reshape(-1)
    turn = seen[ahead] < seen[rows]
    near, far = torch.where(turn, ahead, rows), torch.where(turn, rows, ahead)
    kept = (distance < seen[far] - _GAP) & (distance > seen[near] - _GAP)
    foremost = torch.full_like(seen, torch.inf).scatter_reduce(0, rows[kept], distance[kept], "amin")
    kept = kept & (distance == foremost[rows])
    share = place - left
    return near[kept], far[kept], torch.where(turn, 1 - share, share)[kept]


def _side(a: torch.Tensor, b: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    """Twice the signed area of triangles in the image, (n,)."""
    u, v = b - a, point - a
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def _turned(pixels: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Whether faces wind clockwise in the image, (f,) bool."""
    a, b, c = (pixels.detach()[faces[:, k]] for k in range(3))
    return _side(a, b, c) > 0


def _projected(positions: torch.Tensor, camera: Camera) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixel positions (v, 2) as x, y of points (v, 3), and depths (v,); lens distortion is not supported."""
    pose = torch.from_numpy(camera.camera_to_world).to(positions)
    local = (positions - pose[:3, 3]) @ pose[:3, :3]
    depth = local[:, 2].clamp_min(1e-6)
    flat = local[:, :2] / depth[:, None]
    focal = positions.new_tensor([camera.focal, camera.focal * camera.aspect])
    return flat * focal + positions.new_tensor(camera.centre), depth


def _meet(
    corners: torch.Tensor, origin: torch.Tensor, rays: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Barycentric weights (n, 3) and points (n, 3) where rays meet the planes of triangles (n, 3, 3).

    Weights are clamped to [0, 1], because a face may have moved out of its pixel since the cast.
    """
    a, b, c = corners.unbind(1)
    ab, ac = b - a, c - a
    across = torch.linalg.cross(rays, ac)
    scale = (ab * across).sum(1)
    scale = torch.where(scale.abs() < _TINY, torch.full_like(scale, _TINY), scale)
    start = origin - a
    u = (start * across).sum(1) / scale
    v = (rays * torch.linalg.cross(start, ab)).sum(1) / scale
    weights = torch.stack([1 - u - v, u, v], 1).clamp(0, 1)
    weights = weights / weights.sum(1, keepdim=True)
    return weights, (weights[:, :, None] * corners).sum(1)


def _lit(normal: torch.Tensor, facing: torch.Tensor, camera: Camera, lighting: Lighting) -> torch.Tensor:
    stored, (ambient, above, headlight) = lamps(lighting)
    pose = torch.from_numpy(camera.camera_to_world).to(normal)
    local = normal @ torch.stack([pose[:3, 0], -pose[:3, 1], -pose[:3, 2]], 1)
    lights = torch.from_numpy(stored).to(normal)
    lambert = (local @ lights[:, :3].T).clamp_min(0) @ lights[:, 3]
    return ambient + above * local[:, 1] + headlight * facing + lambert


def _crosses(positions: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    a, b, c = (positions[faces[:, k]] for k in range(3))
    return torch.linalg.cross(b - a, c - a)


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return vectors / vectors.square().sum(-1, keepdim=True).clamp_min(1e-30).sqrt()
