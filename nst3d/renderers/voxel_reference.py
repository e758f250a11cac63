"""Ray marching of voxel fields in plain torch: the readable twin of the CPU kernels, also used on a GPU.

Rays take the same steps as in `march`, without skipping empty blocks. Differentiable in density and colours;
sample positions along rays are constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst3d.tensors import Array

_REACH = 35.0
_OPAQUE = 1e-3
_SAMPLES = 1024


@dataclass(frozen=True)
class ReferenceGrid:
    """Nodes of a grid and their activation."""

    frame: Array
    """(13,), from `march.frame_of`."""
    links: torch.Tensor
    """(X, Y, Z) integers, −1: empty."""
    empty: float
    """Raw density of empty nodes."""
    soft: bool
    """Whether density is the softplus (otherwise ReLU) of interpolated raw density …"""
    scale: float
    """… times this."""


@dataclass(frozen=True)
class ReferenceRays:
    """Rays and their step options."""

    origins: torch.Tensor
    """(n, 3) float64."""
    directions: torch.Tensor
    """(n, 3) float64, camera z = 1."""
    basis: torch.Tensor
    """(n, k): weights of the colour's coefficients."""
    jitter: torch.Tensor
    """(n,): start of a ray within its first step, 0 to 1; images use 0.5."""
    step: float
    """Step length, cells."""
    faint: float = 0.0
    """Weight below which samples are skipped."""


@dataclass(frozen=True)
class Marched:
    """Samples of n rays, at most s each, padded with weights of 0."""

    weights: torch.Tensor
    """(n, s): fraction of the ray's light."""
    colours: torch.Tensor
    """(n, s, 3)."""
    depths: torch.Tensor
    """(n, s)."""
    paths: torch.Tensor
    """(n, s): position along the ray, in cells."""
    light: torch.Tensor
    """(n,): light left for the background."""
    rows: torch.Tensor
    """(m, 8): nodes around all samples, −1: empty."""

    @property
    def image(self) -> torch.Tensor:
        """The premultiplied colours (n, 3), without background."""
        return (self.weights[..., None] * self.colours).sum(1)


@dataclass(frozen=True)
class _Samples:
    """Samples of all rays, ordered by ray."""

    ray: torch.Tensor
    slot: torch.Tensor
    """Index of the sample along its ray."""
    nodes: torch.Tensor
    """(m, 3) node coordinates."""
    notes: torch.Tensor
    """(m, 4) float64: factor from density to optical depth, whether it is the last in contracted space,
    depth, path."""


def march_reference(
    grid: ReferenceGrid, rays: ReferenceRays, density: torch.Tensor, colours: torch.Tensor
) -> Marched:
    """March rays through raw density (rows,) and colours (rows, 3k), ordered by basis function."""
    with torch.no_grad():
        samples = _walk(grid, rays, density)
    rows, shares = _corners(grid, samples.nodes)
    shares = shares.to(density.dtype)
    thick, closing, depths, paths = samples.notes.to(density.dtype).unbind(1)
    padded = _Padding(samples, len(rays.origins))
    optical = padded(_density(grid, rows, shares, density) * thick)
    closed = padded(closing) > 0
    light = torch.exp(optical - optical.cumsum(1))
    alpha = torch.where(closed, 1.0, -torch.expm1(-optical))
    seen = _colours(rows, shares, colours, rays.basis[samples.ray])
    return Marched(
        light * alpha,
        padded(seen),
        padded(depths),
        padded(paths),
        torch.exp(-optical.sum(1)) * ~closed.any(1),
        rows,
    )


class _Padding:
    """Arranges values of samples (m, …) by ray (n, s, …)."""

    def __init__(self, samples: _Samples, count: int) -> None:
        longest = int(samples.slot.max()) + 1 if len(samples.slot) else 1
        self._shape, self._place = (count, longest), (samples.ray, samples.slot)

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        padded = values.new_zeros(*self._shape, *values.shape[1:])
        return padded.index_put(self._place, values)


def _walk(grid: ReferenceGrid, rays: ReferenceRays, density: torch.Tensor) -> _Samples:
    """The samples of rays, found by stepping all rays together."""
    contracted = bool(grid.frame[6])
    o, d, length = _normalised(grid, rays)
    t, far = _range(grid, o, d)
    t = t + rays.jitter * rays.step / _locate(grid, o, d, length, t)[1]
    light, path = density.new_ones(len(t)), 0.0
    taken = torch.zeros(len(t), dtype=torch.int64, device=t.device)
    found = []
    while len(alive := torch.nonzero((t < far) & (light > _OPAQUE) & (taken < _SAMPLES))[:, 0]):
        nodes, speed, pace = _locate(grid, o[alive], d[alive], length[alive], t[alive])
        ahead, path = rays.step / speed, path + rays.step
        last = (t[alive] + ahead >= far[alive]) & contracted
        rows, shares = _corners(grid, nodes)
        thick = grid.scale * ahead * pace
        sigma = _density(grid, rows, shares.to(density.dtype), density)
        alpha = torch.where(last, 1.0, -torch.expm1(-sigma * thick.to(sigma.dtype)))
        kept = light[alive] * alpha >= rays.faint
        notes = torch.stack([thick, last.to(thick), t[alive], torch.full_like(thick, path)], 1)
        ray = alive[kept]
        found.append(_Samples(ray, taken[ray], nodes[kept], notes[kept]))
        t[alive] += ahead
        light[ray] *= 1 - alpha[kept]
        taken[ray] += 1
    return _joined(found, o)


def _joined(found: list[_Samples], like: torch.Tensor) -> _Samples:
    if not found:
        none = torch.zeros(0, dtype=torch.int64, device=like.device)
        return _Samples(none, none, like.new_zeros(0, 3), like.new_zeros(0, 4))
    ray, slot = torch.cat([s.ray for s in found]), torch.cat([s.slot for s in found])
    nodes, notes = torch.cat([s.nodes for s in found]), torch.cat([s.notes for s in found])
    order = torch.argsort(ray, stable=True)
    return _Samples(ray[order], slot[order], nodes[order], notes[order])


def _normalised(grid: ReferenceGrid, rays: ReferenceRays) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    frame = torch.as_tensor(grid.frame, device=rays.origins.device)
    directions = rays.directions.to(frame)
    o, d = (rays.origins.to(frame) - frame[:3]) * frame[3:6], directions * frame[3:6]
    return o, d, directions.norm(dim=1)


def _range(grid: ReferenceGrid, o: torch.Tensor, d: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Depths at which rays enter and leave the grid."""
    extent = _REACH if grid.frame[6] else 1.0
    still = d.abs() < 1e-12
    a, b = (-extent - o) / torch.where(still, 1.0, d), (extent - o) / torch.where(still, 1.0, d)
    misses = still & (o.abs() > extent)
    low = torch.where(still, torch.where(misses, 1.0, -torch.inf), torch.minimum(a, b)).amax(1)
    high = torch.where(still, torch.where(misses, 0.0, torch.inf), torch.maximum(a, b)).amin(1)
    return low.clamp(min=float(grid.frame[12])), high.clamp(max=1e30)


def _locate(
    grid: ReferenceGrid, o: torch.Tensor, d: torch.Tensor, length: torch.Tensor, t: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Node coordinates (n, 3) at depths t (n,); nodes passed and optical length per depth."""
    frame = torch.as_tensor(grid.frame, device=o.device)
    x, v, pace = o + t[:, None] * d, d, length
    if grid.frame[6]:
        m, axis = x.abs().max(1, keepdim=True)
        dm = (v * x.sign()).gather(1, axis)
        m = m.clamp(min=1)  # no contraction within the ball: scale 1, change 0
        scale, change = (2 - 1 / m) / m, (-2 + 2 / m) / (m * m) * dm
        x, v = x * scale, v * scale + x * change
        pace = v.norm(dim=1) * frame[7]
    ends = torch.tensor(grid.links.shape, device=o.device) - 1.001
    nodes = ((x + frame[11]) * frame[8:11] - 0.5).clamp(min=0)
    return torch.minimum(nodes, ends.to(nodes)), (v * frame[8:11]).norm(dim=1), pace


def _corners(grid: ReferenceGrid, nodes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows of the 8 nodes around each point and their trilinear weights."""
    low = nodes.long()
    part = nodes - low
    rows, shares = [], []
    for corner in range(8):
        up = torch.tensor([corner >> 2, (corner >> 1) & 1, corner & 1], device=nodes.device)
        rows.append(grid.links[tuple((low + up).unbind(1))].long())
        shares.append(torch.where(up > 0, part, 1 - part).prod(1))
    return torch.stack(rows, 1), torch.stack(shares, 1)


def _density(
    grid: ReferenceGrid, rows: torch.Tensor, shares: torch.Tensor, density: torch.Tensor
) -> torch.Tensor:
    # Looked up as an embedding, whose gradient is summed in a fixed order on a GPU, too.
    raw = F.embedding(rows.clamp(min=0), density[:, None])[..., 0]
    value = (shares * torch.where(rows >= 0, raw, grid.empty)).sum(1)
    return F.softplus(value, threshold=15) if grid.soft else F.relu(value)


def _colours(
    rows: torch.Tensor, shares: torch.Tensor, colours: torch.Tensor, basis: torch.Tensor
) -> torch.Tensor:
    """Colours (m, 3) between the nodes that exist."""
    shares = shares * (rows >= 0)
    shares = shares / shares.sum(1, keepdim=True).clamp(min=1e-6)
    values = (shares[..., None] * F.embedding(rows.clamp(min=0), colours)).sum(1)
    return (values.view(len(values), -1, 3) * basis[..., None].to(values)).sum(1)
