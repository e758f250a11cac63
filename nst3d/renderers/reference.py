"""The readable twin of the mesh renderer: pure torch, any device, no tree, no kernels.

In few lines it computes what `renderers.mesh` computes fast: the triangles that each sample sees, front to
back, the colours read there with their weights, and the mean over a pixel's samples. Tests compare the two.
Time grows with rays × faces, so it suits small scenes, or a GPU without Embree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.operators.sparse import Csr, SparseView
from nst3d.renderers.layers import FAINT, MOST
from nst3d.representations.mesh import WRAP_CODE
from nst3d.representations.surface import Surface, TexelBinding

_PAIRS = 4_000_000
"""Number of ray–face pairs tested at a time."""
_PARALLEL = 1e-12
"""Determinant below which a ray is parallel to a face and misses it."""
_EDGE = 1e-9
"""Barycentric tolerance outside a face, so that no ray slips between two faces."""


@dataclass(frozen=True)
class RayHits:
    """Hits of rays, one each; float64, on the rays' device."""

    face: torch.Tensor
    """(n,) int64, -1 for a miss."""
    u: torch.Tensor
    """(n,) barycentric weight of the face's second corner."""
    v: torch.Tensor
    """(n,) barycentric weight of the face's third corner."""


def reference_view(
    surface: Surface, camera: Camera, samples: int = 2, device: torch.device | str = "cpu"
) -> SparseView:
    """The unlit view of a surface: equal to that of `MeshRenderer.compile`, up to rounding.

    There are `samples` along each side of a pixel. The geometry is computed on `device` in float64.
    """
    origin, directions = camera.scaled(samples).rays()
    rays = torch.as_tensor(directions.reshape(-1, 3), dtype=torch.float64, device=device)
    corners = torch.as_tensor(surface.positions, dtype=torch.float64, device=device)
    faces = torch.as_tensor(surface.faces, dtype=torch.int64, device=device)
    sample, hits, light = fragments(surface, torch.as_tensor(origin, device=device), rays, corners[faces])
    columns, weights = _taps(surface, hits)
    pixel = _pixel_of(sample, camera.size.width, samples)
    rows = pixel[:, None].expand_as(columns)
    return _sparse_view(surface, camera, torch.stack([rows, columns]), weights * light[:, None] / samples**2)


def fragments(
    surface: Surface, origin: torch.Tensor, rays: torch.Tensor, triangles: torch.Tensor
) -> tuple[torch.Tensor, RayHits, torch.Tensor]:
    """What rays from `origin` (3,) along `rays` (n, 3) see of a surface's `triangles` (f, 3, 3).

    Each ray meets its faces from near to far and loses to each as much light as that stops. Returns the
    fragments' rays (m,), their hits, and the light that each takes (m,), by the rules of `layers.see`.
    """
    chunk = max(1, _PAIRS // max(len(triangles), 1))
    starts = range(0, len(rays), chunk)
    parts = [_fragments(surface, origin, rays[s : s + chunk], triangles, s) for s in starts]
    sample, face, u, v, light = (torch.cat(column) for column in zip(*parts))
    return sample, RayHits(face, u, v), light


def _fragments(
    surface: Surface, origin: torch.Tensor, rays: torch.Tensor, triangles: torch.Tensor, start: int
) -> tuple[torch.Tensor, ...]:
    """Ray (counted from `start`), face, u, v and light of each fragment of a few rays."""
    distance, u, v = _meet(origin, rays, triangles)
    light, level = rays.new_ones(len(rays)), torch.zeros(len(rays), dtype=torch.int64, device=rays.device)
    found: list[tuple[torch.Tensor, ...]] = []
    while True:
        nearest = distance.min(1)
        ray = (nearest.values.isfinite() & (light > 0)).nonzero()[:, 0]
        face = nearest.indices[ray]
        hits = RayHits(face, u[ray, face], v[ray, face])
        alpha = _stopped(surface, hits, rays[ray], triangles)
        alpha = torch.where((level[ray] == MOST - 1) & (alpha < 1), 0, alpha)
        alpha = torch.where(light[ray] * (1 - alpha) <= float(FAINT), 1, alpha)
        seen = alpha > 0
        found.append(tuple(a[seen] for a in (ray + start, face, hits.u, hits.v, light[ray] * alpha)))
        if not len(ray):
            return tuple(torch.cat(column) for column in zip(*found))
        light[ray] *= 1 - alpha
        level[ray] += seen
        distance[ray, face] = torch.inf


def _stopped(surface: Surface, hits: RayHits, rays: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """How much of the light of rays (n, 3) their hits stop, (n,)."""
    device = rays.device
    alpha = torch.ones_like(hits.u)
    if surface.opacity is not None:
        opacity = surface.opacity
        rule = torch.as_tensor(opacity.rule, device=device).long()[hits.face]
        factor, cutoff, stops = torch.as_tensor(opacity.rules, device=device).double()[rule].unbind(1)
        image = torch.as_tensor(opacity.image, device=device).long()[rule]
        own = torch.as_tensor(opacity.own, device=device).double()[hits.face]
        factor = factor * (_corner_weights(hits) * own).sum(1)
        alpha = factor * torch.where(image >= 0, _read_alpha(surface, hits, image.clamp_min(0)), 1)
        alpha = stops * torch.where(cutoff >= 0, (alpha >= cutoff).double(), alpha)
    if surface.sides is not None:
        a, b, c = triangles[hits.face].unbind(1)
        towards = (torch.linalg.cross(b - a, c - a) * rays).sum(1)
        side = torch.as_tensor(surface.sides, device=device)[hits.face]
        alpha = torch.where(towards * side > 0, 0, alpha)
    return alpha


def _read_alpha(surface: Surface, hits: RayHits, image: torch.Tensor) -> torch.Tensor:
    """The bilinear mean of the images (n,) of a surface's opacity at hits; 1 without images."""
    assert surface.opacity is not None
    if not len(surface.opacity.images):
        return torch.ones_like(hits.u)
    uvs = torch.as_tensor(surface.opacity.corners, dtype=torch.float64, device=hits.u.device)[hits.face]
    slots = torch.as_tensor(surface.opacity.images, device=hits.u.device).long()
    columns, weights = _bilinear((_corner_weights(hits)[..., None] * uvs).sum(1), slots[image])
    return (torch.as_tensor(surface.opacity.alphas, device=hits.u.device)[columns] * weights).sum(1)


def first_hits(origin: torch.Tensor, rays: torch.Tensor, triangles: torch.Tensor) -> RayHits:
    """The nearest hit of each ray from `origin` (3,) along `rays` (n, 3) on `triangles` (f, 3, 3).

    Möller & Trumbore 1997, "Fast, Minimum Storage Ray/Triangle Intersection", every ray with every face.
    Faces are two-sided. Where faces meet, the one with the lower index is hit.
    """
    chunk = max(1, _PAIRS // max(len(triangles), 1))
    parts = [_nearest(*_meet(origin, part, triangles)) for part in rays.split(chunk)]
    return RayHits(*(torch.cat(column) for column in zip(*parts)))


def _meet(
    origin: torch.Tensor, rays: torch.Tensor, triangles: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ray parameter t, u and v of each ray with each face, (n, f); t is infinite where they miss.

    o + t d = a + u (b − a) + v (c − a), solved by Cramer's rule.
    """
    a = triangles[:, 0]
    ab, ac = triangles[:, 1] - a, triangles[:, 2] - a
    from_a = origin - a
    normal = torch.linalg.cross(ab, ac)
    across = torch.linalg.cross(from_a[None], rays[:, None])
    determinant = -(rays @ normal.T)
    safe = torch.where(determinant.abs() < _PARALLEL, torch.nan, determinant)
    u = (across * ac).sum(-1) / safe
    v = -(across * ab).sum(-1) / safe
    t = (from_a * normal).sum(-1) / safe
    hit = (u >= -_EDGE) & (v >= -_EDGE) & (u + v <= 1 + _EDGE) & (t > 0)  # false where any is nan
    return torch.where(hit, t, torch.inf), u, v


def _nearest(
    distance: torch.Tensor, u: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Face, u and v of each ray's nearest hit."""
    nearest = distance.min(1)
    face = torch.where(nearest.values.isfinite(), nearest.indices, -1)
    pick = nearest.indices[:, None]
    return face, u.gather(1, pick)[:, 0], v.gather(1, pick)[:, 0]


def _taps(surface: Surface, hits: RayHits) -> tuple[torch.Tensor, torch.Tensor]:
    """The colours that each hit reads, (n, k) int64, and their weights (n, k), which sum to 1."""
    device = hits.face.device
    corner_weights = _corner_weights(hits)
    binding = surface.binding
    if not isinstance(binding, TexelBinding):
        return torch.as_tensor(binding.rows, device=device)[hits.face].long(), corner_weights
    uvs = torch.as_tensor(binding.corners, dtype=torch.float64, device=device)[hits.face]
    slots = torch.as_tensor(binding.slots, device=device).long()
    slot = slots[torch.as_tensor(binding.slot, device=device).long()[hits.face]]
    return _bilinear((corner_weights[..., None] * uvs).sum(1), slot)


def _corner_weights(hits: RayHits) -> torch.Tensor:
    return torch.stack([1 - hits.u - hits.v, hits.u, hits.v], dim=1)


def _bilinear(uv: torch.Tensor, slot: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The four texels around each UV (n, 2) in its slot (n, 5), and their bilinear weights."""
    offset, height, width, wrap_u, wrap_v = slot.unbind(1)
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    columns, weights = [], []
    for down in (0, 1):
        for right in (0, 1):
            column = _wrapped(x.floor().long() + right, width, wrap_u)
            row = _wrapped(y.floor().long() + down, height, wrap_v)
            columns.append(offset + row * width + column)
            share_x = x - x.floor() if right else 1 - (x - x.floor())
            share_y = y - y.floor() if down else 1 - (y - y.floor())
            weights.append(share_x * share_y)
    return torch.stack(columns, 1), torch.stack(weights, 1)


def _wrapped(index: torch.Tensor, count: torch.Tensor, mode: torch.Tensor) -> torch.Tensor:
    """Texel indices wrapped to 0 … count − 1 by wrap mode (`WRAP_CODE`)."""
    repeated = index % count
    folded = index % (2 * count)
    mirrored = torch.where(folded < count, folded, 2 * count - 1 - folded)
    clamped = torch.minimum(index.clamp_min(0), count - 1)
    inside = torch.where(mode == WRAP_CODE["mirror"], mirrored, repeated)
    return torch.where(mode == WRAP_CODE["clamp"], clamped, inside)


def _pixel_of(sample: torch.Tensor, width: int, samples: int) -> torch.Tensor:
    """The flat pixel index of each flat sample index."""
    y, x = sample // (width * samples), sample % (width * samples)
    return y // samples * width + x // samples


def _sparse_view(
    surface: Surface, camera: Camera, entries: torch.Tensor, weights: torch.Tensor
) -> SparseView:
    """The operator of entries (2, n, k), pixel and colour; weights (n, k) of duplicate entries are summed."""
    keys = (entries[0] * surface.num_colours + entries[1]).ravel()
    merged, place = keys.unique(return_inverse=True)
    total = weights.new_zeros(len(merged)).index_add_(0, place, weights.ravel())
    pixel, column = (merged // surface.num_colours).cpu().numpy(), (merged % surface.num_colours)
    pixels, counts = np.unique(pixel, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    matrix = Csr(starts, column.int().cpu().numpy(), total.float().cpu().numpy())
    return SparseView(camera.size, surface.num_colours, pixels.astype(np.int32), matrix)
