"""Image quilting on a surface: overlapping patches of a picture, cut where they differ least.

Efros & Freeman 2001, "Image quilting for texture synthesis and transfer"; cuts through a graph as in Kwatra et al.
2003, "Graphcut textures", since patches on a surface overlap in any shape; patches that follow directions along the
surface as in Praun et al. 2000, "Lapped textures".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import torch

from nst3d.stylize.teachers.exemplars import Exemplar, Wanted
from nst3d.stylize.teachers.min_cut import min_cut
from nst3d.stylize.teachers.surface_cells import Cells

_TURNED = 0.35
"""Least cosine between the normals of a patch's middle and of what it covers."""
_APART = 0.75
"""Distance of a patch from the one before, as a share of its side: the rest overlaps, a quarter as usual."""
_NEAR = 1.1
"""Width of the boxes in which cells are looked for, in sides of a patch: more than it is to where the next is laid."""


@dataclass(frozen=True)
class Patch:
    """A patch of an exemplar on the surface."""

    centre: int
    """The cell in its middle."""
    exemplar: int
    corner: tuple[int, int]
    """Row and column in the exemplar of its top left pixel."""


@dataclass(frozen=True)
class Tones:
    """The brightness that the surface should have."""

    values: torch.Tensor
    """(n,): by cell."""
    weight: float


class Quilt:
    """Patches on the cells of a surface."""

    def __init__(
        self,
        cells: Cells,
        exemplars: Sequence[Exemplar],
        shares: Sequence[float],
        side: int,
        tones: Tones,
        reuse: float = 0.0,
    ) -> None:
        self.cells, self.exemplars, self._side, self._tones = cells, exemplars, side, tones
        self._shares, self._reuse = torch.tensor(shares, dtype=torch.float64), reuse
        self._downs = cells.downs
        count = len(cells.positions)
        self.patches: list[Patch] = []
        self.patch_of = torch.full((count,), -1)
        self.colours = torch.zeros(count, 3)
        self._box_of = (cells.positions / (_NEAR * side)).floor().long()
        self._boxes = _groups(self._box_of)
        self._number = torch.full((count,), -1)  # of a cell in the patch that is being laid

    def cover(self, generator: torch.Generator) -> None:
        """Lay patches from one to the next until every cell is covered, where directions are surest first."""
        doubt = self.cells.doubt.tolist()
        waiting: list[tuple[float, int, int]] = []
        order = iter(self.cells.doubt.argsort(stable=True).tolist())
        for first in order:
            if self.patch_of[first] < 0:
                heappush(waiting, (doubt[first], len(self.patches), first))
            while waiting:
                centre = heappop(waiting)[2]
                if self.patch_of[centre] < 0:
                    for cell in self._lay(centre, generator):
                        heappush(waiting, (doubt[cell], len(self.patches), cell))

    def _lay(self, centre: int, generator: torch.Generator) -> list[int]:
        """Lay a patch around a cell; returns cells at which the next may be laid."""
        near = self._near(centre)
        near = near[(self.cells.normals[near] @ self.cells.normals[centre]) > _TURNED]
        right, down = self.chart(centre, self.cells.positions[near])
        reach = torch.maximum(right.abs(), down.abs())
        half = self._side // 2
        within = reach < half + 0.5
        mine, right, down = near[within], right[within], down[within]
        number = int(torch.multinomial(self._shares, 1, generator=generator))
        exemplar = self.exemplars[number]
        wanted = self._wanted(mine, right, down)
        corner = exemplar.place(wanted, generator, self._reuse)
        colours = exemplar.at(corner[0] + half + down, corner[1] + half + right)
        taken = self._taken(mine, colours)
        self.patch_of[mine[taken]] = len(self.patches)
        self.colours[mine[taken]] = colours[taken]
        self.patches.append(Patch(centre, number, corner))
        apart = _APART * self._side
        ring = near[(reach > apart - 1) & (reach <= apart)]
        return [int(cell) for cell in ring[self.patch_of[ring] < 0]]

    def _near(self, centre: int) -> torch.Tensor:
        """The cells, in order, among which are all that are nearer than the width of a box."""
        x, y, z = self._box_of[centre].tolist()
        steps = itertools.product((-1, 0, 1), repeat=3)
        found = (self._boxes.get((x + i, y + j, z + k)) for i, j, k in steps)
        return torch.cat([cells for cells in found if cells is not None]).sort().values

    def chart(self, centre: int, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """How far places (n, 3) are to the right of a cell and below it along the surface, in pixels (n,) each.

        In the directions in which they are in its tangent plane, and as far away as they are in space.
        """
        steps = positions - self.cells.positions[centre]
        right, down = steps @ self.cells.rights[centre], steps @ self._downs[centre]
        stretch = steps.norm(dim=1) / torch.hypot(right, down).clamp_min(1e-9)
        stretch = torch.where(stretch > 1 + 1e-9, stretch, 1.0)
        return right * stretch, down * stretch

    def _wanted(self, mine: torch.Tensor, right: torch.Tensor, down: torch.Tensor) -> Wanted:
        side = self._side
        place = ((down.round() + side // 2) * side + right.round() + side // 2).long()

        def raster(values: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            """Means (c, side, side) by pixel, and whether there are any."""
            sums = torch.zeros(side * side, values.shape[1] + 1)
            sums.index_add_(0, place[rows], torch.cat([values[rows], torch.ones(int(rows.sum()), 1)], 1))
            means = sums[:, :-1] / sums[:, -1:].clamp_min(1)
            return means.T.reshape(-1, side, side), (sums[:, -1] > 0).float().reshape(side, side)

        colours, painted = raster(self.colours[mine], self.patch_of[mine] >= 0)
        tone, known = raster(self._tones.values[mine, None].float(), torch.ones_like(mine, dtype=torch.bool))
        return Wanted(colours, painted, tone[0], known * self._tones.weight)

    def _taken(self, mine: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
        """Which of a patch's cells it keeps (m,) bool: those on its side of the cut."""
        painted = self.patch_of[mine] >= 0
        if not bool(painted.any()):
            return torch.ones_like(painted)
        self._number[mine] = torch.arange(len(mine))
        own, other = self.cells.around(mine)
        inside = self._number[other]
        self._number[mine] = -1
        inner = torch.stack([own, inside], 1)[inside > own]
        sinks = torch.zeros_like(painted)
        sinks[own[(inside < 0) & (self.patch_of[other] >= 0)]] = True
        difference = (colours - self.colours[mine]).norm(dim=1).double()
        difference = torch.where(painted, difference, 0.0)
        weights = difference[inner].sum(1)
        new = min_cut(inner.numpy(), weights.numpy(), ~painted.numpy(), (sinks & painted).numpy())
        return torch.from_numpy(new)

    def at(self, cell_of: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """The colours (m, 3) of places on the surface (m, 3) that are in these cells (m,)."""
        colours = torch.zeros(len(positions), 3)
        half = self._side // 2
        own = self.patch_of[cell_of]
        order = own.argsort(stable=True)
        counts = torch.bincount(own, minlength=len(self.patches)).tolist()
        for patch, rows in zip(self.patches, order.split(counts)):
            right, down = self.chart(patch.centre, positions[rows])
            exemplar = self.exemplars[patch.exemplar]
            colours[rows] = exemplar.at(patch.corner[0] + half + down, patch.corner[1] + half + right)
        return colours


def _groups(keys: torch.Tensor) -> dict[tuple[int, ...], torch.Tensor]:
    """The numbers of the rows of each kind among keys (n, 3)."""
    kinds, of_row, counts = torch.unique(keys, dim=0, return_inverse=True, return_counts=True)
    parts = of_row.argsort(stable=True).split(counts.tolist())
    return {tuple(kind): part for kind, part in zip(kinds.tolist(), parts)}
