"""Ray marching of voxel fields in plain torch: the readable twin of the CPU kernels, and what a GPU runs.

Rays take the same steps as in `march`, but none jumps over empty blocks. Differentiable in density and colours;
places along rays are constants.
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
    """Where a grid's nodes are and what they mean."""

    frame: Array
    """(13,), of `march.frame_of`."""
    links: torch.Tensor
    """(X, Y, Z) integers, −1: empty."""
    empty: float
    """Raw density of empty nodes."""
    soft: bool
    """Density is softplus (else relu) of what lies between nodes …"""
    scale: float
    """… times this."""


@dataclass(frozen=True)
class ReferenceRays:
    """Rays and how they step."""

    origins: torch.Tensor
    """(n, 3) float64."""
    directions: torch.Tensor
    """(n, 3) float64, camera z = 1."""
    basis: torch.Tensor
    """(n, k): what the colour's parts are weighed with."""
    jitter: torch.Tensor
    """(n,): where in its first step a ray begins, 0 to 1; pictures take 0.5."""
    step: float
    """In cells."""
    faint: float = 0.0
    """Samples of less weight are passed over."""


@dataclass(frozen=True)
class Marched:
    """What n rays see at s samples at most, padded with weights of 0."""

    weights: torch.Tensor
    """(n, s): the share of the ray's light."""
    colours: torch.Tensor
    """(n, s, 3)."""
    depths: torch.Tensor
    """(n, s)."""
    paths: torch.Tensor
    """(n, s): how far along the ray the steps have come, in cells."""
    light: torch.Tensor
    """(n,): the light that is left for the background."""
    rows: torch.Tensor
    """(m, 8): the nodes around all samples, −1: empty."""

    @property
    def image(self) -> torch.Tensor:
        """The colours (n, 3) before nothing."""
        return (self.weights[..., None] * self.colours).sum(1)


@dataclass(frozen=True)
class _Samples:
    """Samples of all rays, ray after ray."""

    ray: torch.Tensor
    slot: torch.Tensor
    """Which of its ray's samples it is."""
    nodes: torch.Tensor
    """(m, 3) node coordinates."""
    notes: torch.Tensor
    """(m, 4) float64: factor from density to optical depth, whether it is the last of a contracted space, depth,
    path."""


def march_reference(
    grid: ReferenceGrid, rays: ReferenceRays, density: torch.Tensor, colours: torch.Tensor
) -> Marched:
    """March rays through raw density (rows,) and colours (rows, 3k), parts of the basis one after the other."""
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
    """Lays values of samples (m, …) out by ray (n, s, …)."""

    def __init__(self, samples: _Samples, count: int) -> None:
        longest = int(samples.slot.max()) + 1 if len(samples.slot) else 1
        self._shape, self._place = (count, longest), (samples.ray, samples.slot)

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        padded = values.new_zeros(*self._shape, *values.shape[1:])
        return padded.index_put(self._place, values)


def _walk(grid: ReferenceGrid, rays: ReferenceRays, density: torch.Tensor) -> _Samples:
    """Where rays take samples: one step of all of them after the other."""
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
    """Where rays enter and leave the grid."""
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
        m = m.clamp(min=1)  # within the ball nothing is contracted: scale 1, change 0
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
    # Looked up as an embedding, whose gradient is summed in a fixed order on a GPU too.
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
