"""Smoothing, regularisers and bounds for the offsets of a mesh's vertices."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch

_CG_STEPS, _CG_TOLERANCE = 200, 1e-4


@dataclass(frozen=True)
class Topology:
    """A mesh's edges, and the faces on their two sides."""

    faces: torch.Tensor
    """(f, 3) int64."""
    edges: torch.Tensor
    """(e, 2) int64, each edge once."""
    sides: torch.Tensor
    """(k, 2) int64: pairs of faces that share an edge."""
    neighbours: torch.Tensor
    """(f, 3) int64: the face across the edge from corner k to k + 1; -1 for none or several."""

    @classmethod
    def of(cls, faces: torch.Tensor) -> Topology:
        """The topology of faces (f, 3); edges of more than two faces have no sides."""
        ends = torch.stack([faces, faces.roll(-1, 1)], 2).reshape(-1, 2).sort(1).values
        edges, place, count = torch.unique(ends, dim=0, return_inverse=True, return_counts=True)
        order = torch.argsort(place, stable=True)
        first = torch.cumsum(count, 0) - count
        shared = torch.nonzero(count == 2)[:, 0]
        halves = torch.stack([order[first[shared]], order[first[shared] + 1]], 1)
        neighbours = faces.new_full((faces.numel(),), -1)
        sides = torch.div(halves, 3, rounding_mode="floor")
        neighbours[halves[:, 0]], neighbours[halves[:, 1]] = sides[:, 1], sides[:, 0]
        real = edges[:, 0] != edges[:, 1]
        return cls(faces, edges[real], sides, neighbours.reshape(-1, 3))


def laplacian(values: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """The graph Laplacian of values (v, c): each vertex's degree times its value, minus its neighbours."""
    a, b = edges[:, 0], edges[:, 1]
    difference = values[a] - values[b]
    return torch.zeros_like(values).index_add(0, a, difference).index_add(0, b, -difference)


def laplacian_term(offsets: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """The mean squared distance of each vertex's offset (v, 3) from the mean of its neighbours'."""
    degree = torch.bincount(edges.reshape(-1), minlength=len(offsets)).clamp_min(1)
    return (laplacian(offsets, edges) / degree[:, None]).square().sum(1).mean()


def face_normals(positions: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Unit normals (f, 3) of faces; 0 for degenerate ones."""
    a, b, c = (positions[faces[:, k]] for k in range(3))
    cross = torch.linalg.cross(b - a, c - a)
    return cross / cross.square().sum(1, keepdim=True).clamp_min(1e-30).sqrt()


def side_cosines(positions: torch.Tensor, topology: Topology) -> torch.Tensor:
    """Cosines (k,) between the normals of faces that share an edge."""
    normals = face_normals(positions, topology.faces)
    return (normals[topology.sides[:, 0]] * normals[topology.sides[:, 1]]).sum(1)


def normal_term(positions: torch.Tensor, topology: Topology, before: torch.Tensor) -> torch.Tensor:
    """Normal consistency: the mean increase in sharpness of edges over `before` (k,), as cosines.

    Deviates from plain 1 − cosine, which would melt the shape's own edges.
    """
    return (before - side_cosines(positions, topology)).clamp_min(0).mean()


def edge_lengths(positions: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Edge lengths (e,)."""
    return (positions[edges[:, 0]] - positions[edges[:, 1]]).square().sum(1).clamp_min(1e-30).sqrt()


def edge_term(positions: torch.Tensor, edges: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """The mean squared stretch of edges, relative to their lengths `before` (e,)."""
    usual = before.mean()
    return ((edge_lengths(positions, edges) - before) / (before + 0.1 * usual)).square().mean()


class Smoother:
    """(I + λ L)⁻¹ and its inverse: Nicolet et al. 2021, "Large steps in inverse rendering of geometry".

    A step on u = (I + λ L) x moves x smoothly, not vertex by vertex, so that the mesh does not crumple.
    """

    def __init__(self, edges: torch.Tensor, count: int, strength: float, dtype: torch.dtype) -> None:
        """For `count` vertices with edges (e, 2); `strength` is λ: bumps span about √λ edges."""
        degree = torch.bincount(edges.reshape(-1), minlength=count).to(dtype)
        each = torch.arange(count, device=edges.device)
        places = torch.cat([edges.T, edges.T.flip(0), torch.stack([each, each])], 1)
        values = torch.cat([degree.new_full((2 * len(edges),), -strength), 1 + strength * degree])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the layout's beta status does not concern users
            self._matrix = torch.sparse_coo_tensor(places, values, (count, count)).coalesce().to_sparse_csr()
        self._scale = 1 / (1 + strength * degree)[:, None]

    def roughen(self, values: torch.Tensor) -> torch.Tensor:
        """(I + λ L) x of values (v, 3)."""
        return self._matrix @ values

    def smooth(self, values: torch.Tensor, guess: torch.Tensor | None = None) -> torch.Tensor:
        """(I + λ L)⁻¹ u of values (v, 3), by conjugate gradients; self-adjoint, as the matrix is symmetric.

        It starts from `guess` (v, 3): the closer, the faster it converges.
        """
        found = values * self._scale if guess is None else guess
        residual = values - self.roughen(found)
        direction = self._scale * residual
        energy = (residual * direction).sum(0)
        goal = _CG_TOLERANCE**2 * (values * self._scale * values).sum(0)
        for _ in range(_CG_STEPS):
            if bool((energy <= goal).all()):
                break
            product = self.roughen(direction)
            step = energy / (direction * product).sum(0).clamp_min(1e-38)
            found = found + step * direction
            residual = residual - step * product
            spread = self._scale * residual
            renewed = (residual * spread).sum(0)
            direction = spread + renewed / energy.clamp_min(1e-38) * direction
            energy = renewed
        return found


def bounded(offsets: torch.Tensor, most: float) -> torch.Tensor:
    """Offsets (v, 3), with those longer than `most` shortened to it."""
    length = offsets.norm(dim=1, keepdim=True)
    return offsets * (most / length.clamp_min(1e-30)).clamp_max(1.0)
