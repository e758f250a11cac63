"""Fits a voxel field to photographs, coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from nst3d.cameras.bounds import SceneFrame
from nst3d.cameras.pinhole import Camera
from nst3d.reconstruct import hull, kernels
from nst3d.reconstruct.exposure import Exposures
from nst3d.reconstruct.grid import FitGrid, Shape, first_grid, pruned, refined, z_order
from nst3d.reconstruct.options import FitOptions, Level
from nst3d.reconstruct.rays import RayBank
from nst3d.reconstruct.step import KernelStepper, Stepper
from nst3d.reconstruct.torch_fit import TorchStepper
from nst3d.representations.field import Space, VoxelField
from nst3d.representations.harmonics import from_colours
from nst3d.tensors import Array

__all__ = ["Fit", "FitOptions", "FitProgress", "Level", "Mark"]


_FOG = 3
"""Part of the iterations, one in three, after which the field is clear enough to tell how photographs are exposed."""


@dataclass(frozen=True)
class Mark:
    """How well a field shows one of the photographs that it is fitted to."""

    psnr: float | None
    """PSNR of its rays in the second half of the last level, dB, with its exposure; None: there were none yet."""
    gain: tuple[float, float, float]
    """Its exposure in each channel relative to the mean of all."""


@dataclass(frozen=True)
class FitProgress:
    """Progress of a fit."""

    iteration: int
    iterations: int
    psnr: float
    """PSNR of the last step's rays, dB."""
    nodes: int
    """Number of grid rows."""


class Fit:
    """A fit in progress. Iterate to optimise; `field` returns the current result at any time."""

    def __init__(
        self,
        cameras: Sequence[Camera],
        images: Sequence[Array],
        frame: SceneFrame,
        options: FitOptions,
        background: Array | None = None,
        opacities: Sequence[Array] = (),
        device: torch.device | None = None,
    ) -> None:
        """`images` (h, w, 3) float32 over `background` (3,); None: the photographs' mean colour.

        `opacities` (h, w) in [0, 1], if known, are the coverage of a bounded scene in each image: backgrounds
        are then random, so that nothing in the field can imitate one. Steps use the CPU kernels, or torch on
        another `device`.
        """
        self.options, self.iteration = options, 0
        self._bank = RayBank(cameras, images, background, opacities)
        mean, self.background = self._bank.mean, self._bank.background
        silhouettes = [opacity > 0 for opacity in opacities]
        self._views = (list(cameras), silhouettes) if silhouettes else ()
        contracted = frame.kind != "bounded"
        radius = np.broadcast_to(np.asarray(frame.radius, float), (3,)).copy()
        self._space = Space(np.asarray(frame.centre, float), radius, contracted)
        if silhouettes:
            self._space = hull.tight_space(self._space, cameras, silhouettes)
        distance = np.linalg.norm(np.stack([c.position for c in cameras]) - frame.centre, axis=1).mean()
        near = options.near * float(distance) if contracted else 0.0
        start = np.zeros(1 + 3 * ((options.degree if len(options.levels) == 1 else 0) + 1) ** 2)
        start[0], start[1:4] = options.start, mean
        # At a raw density of about 3, one of the finest cells is opaque.
        scale = options.levels[-1].nodes / (self._space.extent * 2) / float(self._space.radius.max())
        self.grid = first_grid(self._space, self._shape(0), start, scale, near)
        self._carve()
        self._aimed: tuple[int, Array] = (-1, np.zeros(0, np.int64))
        # What lies behind a bounded scene is known, and a gain would change it.
        self._exposures = Exposures(len(cameras) if contracted and options.exposures else 0)
        self._errors = np.zeros((len(cameras), 2))
        self._stepper: Stepper = KernelStepper(options)
        if device is not None and device.type != "cpu":
            self._stepper = TorchStepper(options, device)

    @property
    def iterations(self) -> int:
        """Total number of steps."""
        return sum(level.iterations for level in self.options.levels)

    def __iter__(self) -> Iterator[FitProgress]:
        while self.iteration < self.iterations:
            self._change_grid()
            psnr = self._step()
            self.iteration += 1
            yield FitProgress(self.iteration, self.iterations, psnr, len(self.grid))

    def _change_grid(self) -> None:
        """Refine at the start of a level; halfway through the last, prune nodes that no ray sees."""
        level, last = self._level(self.iteration), len(self.options.levels) - 1
        if level > 0 and self.iteration == self._first(level):
            degree = self.options.degree if level == last else 0
            self._stepper.settle()
            self.grid = refined(self.grid, self._shape(level), self._important(), degree)
            self._carve()
        elif self.iteration == self._half:
            self._stepper.settle()
            self.grid = pruned(self.grid, self._important())

    def _carve(self) -> None:
        """Drop the nodes outside of the silhouettes, by the size of the grid's cells."""
        if self._views:
            self.grid = pruned(self.grid, hull.kept(self.grid, *self._views))

    def _rays(self) -> Array:
        """Indices of the rays that can meet the grid of the current level: all, unless there are silhouettes."""
        level = self._level(self.iteration)
        if self._aimed[0] != level:
            cell = 2 * float(self._space.radius.max()) / max(self._shape(level))
            masks = [hull.near(c, s, self._space, cell)[c.valid()] for c, s in zip(*self._views)]
            near = np.flatnonzero(np.concatenate(masks)) if masks else np.arange(len(self._bank))
            self._aimed = level, near
        return self._aimed[1]

    @property
    def _half(self) -> int:
        """Half of the last level's iterations are done."""
        last = len(self.options.levels) - 1
        return self._first(last) + max(self.options.levels[last].iterations // 2, 1)

    def marks(self) -> list[Mark]:
        """How well the field shows each photograph that it is fitted to."""
        errors, counts = self._errors.T
        psnrs = -10 * np.log10(np.maximum(errors / np.maximum(3 * counts, 1), 1e-12))
        gains = self._exposures.gains() if len(self._exposures.sums) else np.ones((len(errors), 3))
        return [
            Mark(float(p) if n else None, (float(g[0]), float(g[1]), float(g[2])))
            for p, n, g in zip(psnrs, counts, gains)
        ]

    def field(self, cameras: Sequence[Camera] = (), up: Array | None = None, capture: str = "") -> VoxelField:
        """The current result as an independent field."""
        self._stepper.settle()
        grid = self.grid
        order = z_order(grid.nodes)
        links = np.full_like(grid.links, -1)
        links[tuple(grid.nodes[order].T)] = np.arange(len(grid), dtype=links.dtype)
        harmonics = grid.colours.reshape(len(grid), -1, 3)[order]
        harmonics[:, 0] = from_colours(harmonics[:, 0])
        red, green, blue = (float(v) for v in self.background)
        return VoxelField(
            grid.space,
            links,
            grid.density[order],
            harmonics,
            "softplus",
            grid.scale,
            tuple(cameras),
            np.array([0.0, 0.0, 1.0]) if up is None else up,
            (red, green, blue),
            grid.near,
            capture,
        )

    def state(self) -> dict[str, Array]:
        """Everything a fit needs to continue exactly as if uninterrupted; the arrays are copies."""
        self._stepper.settle()
        grid = self.grid
        values = {"density": grid.density, "colours": grid.colours, "squares": grid.squares}
        seen = {"exposures": self._exposures.sums.copy(), "errors": self._errors.copy()}
        return {"iteration": np.array(self.iteration), "links": grid.links, **values, **seen}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Continue from the result of `state`, in a fit of the same photographs and options."""
        old = self.grid
        grid = FitGrid(old.space, state["links"], state["density"], state["colours"], old.scale, old.near)
        grid.squares = state["squares"]
        self.grid, self.iteration = grid, int(state["iteration"])
        self._exposures.sums, self._errors = state["exposures"].copy(), state["errors"].copy()

    def _shape(self, level: int) -> Shape:
        """Nodes per axis for cubic cells: the longest side of the box has the level's number of nodes."""
        sides = self._space.radius / self._space.radius.max() * self.options.levels[level].nodes
        x, y, z = (max(8, round(float(side))) for side in sides)
        return x, y, z

    def _first(self, level: int) -> int:
        return sum(each.iterations for each in self.options.levels[:level])

    def _level(self, iteration: int) -> int:
        level = 0
        while iteration >= self._first(level + 1) and level + 1 < len(self.options.levels):
            level += 1
        return level

    def _step(self) -> float:
        options = self.options
        # A separate generator for each step, so that a resumed fit draws the same rays.
        random = np.random.default_rng([options.seed, self.iteration])
        near = self._rays()
        rays = np.sort(near[random.integers(0, len(near), options.batch)])
        jitter = random.random(options.batch, dtype=np.float32)
        batch = self._bank.take(rays, random.random(3, dtype=np.float32))
        owners = self._bank.owners(rays)
        stored = batch.targets
        adjusts = len(self._exposures.sums) > 0
        if adjusts and self.iteration >= self.iterations // _FOG:
            batch = replace(batch, targets=self._exposures.undone(owners, stored))
        shown = self._stepper.step(self.grid, batch, jitter, self._rates())
        if adjusts:
            self._exposures.learn(owners, shown, stored)
        squares = np.square(shown - batch.targets, dtype=np.float64).sum(1)
        if self.iteration >= self._half:
            views = len(self._errors)
            self._errors += np.stack(
                [np.bincount(owners, w, views) for w in (squares, np.ones(len(rays)))], -1
            )
        return -10 * math.log10(max(float(squares.sum()) / (3 * options.batch), 1e-12))

    def _rates(self) -> Array:
        options = self.options
        share = options.final_rate ** (self.iteration / self.iterations)
        rates = np.full(self.grid.squares.shape[1], options.harmonics_rate, np.float32)
        rates[0], rates[1:4] = options.density_rate, options.colour_rate
        return np.asarray(rates * share, np.float32)

    def _important(self) -> Array:
        """Mask (n,) bool of the nodes that any of the photographs' rays sees."""
        best = np.zeros((kernels.TABLES, len(self.grid)), np.float32)
        near = self._rays()
        for start in range(0, len(near), 1 << 18):
            batch = self._bank.take(near[start : start + (1 << 18)])
            rays = (batch.origins, batch.directions)
            kernels.contributions(self.grid.kernel_grid, rays, self.grid.density, 0.5, best)
        seen = np.asarray(best.max(0) > self.options.prune)
        return seen if seen.any() else ~seen  # nothing is visible yet: keep all nodes
