"""A surface as small cells with neighbours, normals and directions that run smoothly along it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst3d.stylize.teachers.row_places import RowPlaces

_CONNECTED = 6.0
"""Mean number of neighbours from which cells make a surface."""
_WIDEN = 1.25
_WIDEST = 64.0
_SMOOTHING = 60
"""Rounds in which directions take after their neighbours: they turn within about as many cells' square root."""
_STEPS = [s for s in itertools.product((-1, 0, 1), repeat=3) if any(s)]


@dataclass(frozen=True)
class Cells:
    """Cells of the surface, with a frame each."""

    of_row: torch.Tensor
    """(m,) int64: the cell of each placed row."""
    positions: torch.Tensor
    """(n, 3) float64: mean places of their rows, in pixels."""
    normals: torch.Tensor
    """(n, 3) float64, outwards."""
    rights: torch.Tensor
    """(n, 3) float64: the unit tangent to the right of those who look at the surface upright."""
    doubt: torch.Tensor
    """(n,) float64: how level each is, in quarters: 0 where upright is beyond doubt, 1 where it is any direction."""
    neighbours: torch.Tensor
    """(e,) int64: the neighbours of the first cell, then those of the second, and so on."""
    starts: torch.Tensor
    """(n + 1,) int64: where each cell's neighbours start."""

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The means (n, c) of values (m, c) of the placed rows over each cell's."""
        return _means(values, self.of_row, len(self.positions))

    def around(self, cells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The neighbours of some cells (k,), all in a row (e,), after the numbers (e,) in `cells` of whose they are."""
        counts = self.starts[cells + 1] - self.starts[cells]
        own = torch.arange(len(cells)).repeat_interleave(counts)
        places = torch.arange(len(own)) - (counts.cumsum(0) - counts)[own] + self.starts[cells][own]
        return own, self.neighbours[places]

    @property
    def downs(self) -> torch.Tensor:
        """(n, 3): the unit tangents downwards, at a right angle to `rights`."""
        return torch.linalg.cross(self.rights, self.normals)


def cells_of(places: RowPlaces) -> Cells:
    """The places in cells of a pixel, or as much wider as it takes to make the rows a surface.

    Normals are the least axis of neighbouring places. Directions are those closest to upright, as far as the surface
    lets them, and turn smoothly where it is level.
    """
    side, keys, of_row, edges = 1.0, torch.zeros(0, 3), torch.zeros(0), torch.zeros(0, 2)
    while side < _WIDEST:
        keys, of_row = torch.unique(
            (places.positions / side).floor().long(), dim=0, return_inverse=True, sorted=True
        )
        edges = _edges(keys)
        if 2 * len(edges) >= _CONNECTED * len(keys):
            break
        side *= _WIDEN
    positions = _means(places.positions, of_row, len(keys))
    outwards = F.normalize(_means(places.outwards, of_row, len(keys)), dim=1)
    normals = _normals(positions, outwards, edges)
    rights = _rights(normals, edges, places.up)
    both = torch.cat([edges, edges.flip(1)])
    both = both[both[:, 0].argsort(stable=True)]
    starts = torch.searchsorted(both[:, 0].contiguous(), torch.arange(len(keys) + 1))
    doubt = (4 * (normals @ places.up).abs()).floor() / 4
    return Cells(of_row, positions, normals, rights, doubt, both[:, 1].contiguous(), starts)


def _means(values: torch.Tensor, groups: torch.Tensor, count: int) -> torch.Tensor:
    """The means (count, c) of values (m, c) by group (m,)."""
    sizes = torch.bincount(groups, minlength=count)[:, None].to(values)
    return values.new_zeros(count, values.shape[1]).index_add_(0, groups, values) / sizes


def _edges(keys: torch.Tensor) -> torch.Tensor:
    """The pairs (e, 2) of cells that touch, given their places (n, 3) on the grid in order."""
    low = keys.amin(0) - 1
    spans = keys.amax(0) - low + 2
    codes = ((keys - low) * torch.tensor([int(spans[1] * spans[2]), int(spans[2]), 1])).sum(1)
    pairs = []
    for step in _STEPS[len(_STEPS) // 2 :]:  # the others are the same pairs from their other ends
        wanted = codes + step[0] * spans[1] * spans[2] + step[1] * spans[2] + step[2]
        found = torch.searchsorted(codes, wanted).clamp_max(len(codes) - 1)
        own = (codes[found] == wanted).nonzero()[:, 0]
        pairs.append(torch.stack([own, found[own]], 1))
    return torch.cat(pairs)


def _spread(values: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """The sums (n, c) of values over each cell and its neighbours."""
    total = values.clone()
    total.index_add_(0, edges[:, 0], values[edges[:, 1]])
    return total.index_add_(0, edges[:, 1], values[edges[:, 0]])


def _normals(positions: torch.Tensor, outwards: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    alike = edges[(outwards[edges[:, 0]] * outwards[edges[:, 1]]).sum(1) > 0]
    ones = torch.ones_like(positions[:, :1])
    around = positions.mean(0)
    own = positions - around
    moments = torch.cat([ones, own, (own[:, :, None] * own[:, None]).flatten(1), outwards], 1)
    for _ in range(2):
        moments = _spread(moments, alike)
    mean = moments[:, 1:4] / moments[:, :1]
    spread = (moments[:, 4:13] / moments[:, :1]).reshape(-1, 3, 3) - mean[:, :, None] * mean[:, None]
    least = torch.linalg.eigh(spread).eigenvectors[:, :, 0]
    towards = F.normalize(moments[:, 13:], dim=1)
    side = (least * towards).sum(1, keepdim=True)
    # Where rows lie in a line or a heap, the direction that they are seen from is all that is known.
    return torch.where(side.abs() > 0.3, least * side.sign(), towards)


def _rights(normals: torch.Tensor, edges: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    alike = edges[(normals[edges[:, 0]] * normals[edges[:, 1]]).sum(1) > 0]
    count = _spread(torch.ones_like(normals[:, :1]), alike)
    rights = torch.linalg.cross(up.expand_as(normals), normals)  # shorter, the more level the surface is
    for _ in range(_SMOOTHING):
        rights = _spread(rights, alike) / count
        rights = rights - (rights * normals).sum(1, keepdim=True) * normals
    lost = rights.norm(dim=1) < 1e-9
    others = torch.linalg.cross(normals.roll(1, 1) + 0.5, normals)
    return F.normalize(torch.where(lost[:, None], others, rights), dim=1)
