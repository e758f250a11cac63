"""Fits a voxel field to photographs, coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nst3d.cameras.bounds import SceneFrame
from nst3d.cameras.pinhole import Camera
from nst3d.reconstruct import hull, kernels
from nst3d.reconstruct.grid import FitGrid, Shape, first_grid, pruned, refined, z_order
from nst3d.reconstruct.options import FitOptions, Level
from nst3d.reconstruct.rays import RayBank
from nst3d.reconstruct.step import KernelStepper, Stepper
from nst3d.reconstruct.torch_fit import TorchStepper
from nst3d.representations.field import Space, VoxelField
from nst3d.representations.harmonics import from_colours
from nst3d.tensors import Array

__all__ = ["Fit", "FitOptions", "FitProgress", "Level"]


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
        if silhouettes:
            self.grid = pruned(self.grid, hull.kept(self.grid, cameras, silhouettes))
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
        half = self._first(last) + max(self.options.levels[last].iterations // 2, 1)
        if level > 0 and self.iteration == self._first(level):
            degree = self.options.degree if level == last else 0
            self._stepper.settle()
            self.grid = refined(self.grid, self._shape(level), self._important(), degree)
        elif self.iteration == half:
            self._stepper.settle()
            self.grid = pruned(self.grid, self._important())

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
        return {"iteration": np.array(self.iteration), "links": grid.links, **values}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Continue from the result of `state`, in a fit of the same photographs and options."""
        old = self.grid
        grid = FitGrid(old.space, state["links"], state["density"], state["colours"], old.scale, old.near)
        grid.squares = state["squares"]
        self.grid, self.iteration = grid, int(state["iteration"])

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
        rays = np.sort(random.integers(0, len(self._bank), options.batch))
        jitter = random.random(options.batch, dtype=np.float32)
        batch = self._bank.take(rays, random.random(3, dtype=np.float32))
        error = self._stepper.step(self.grid, batch, jitter, self._rates())
        return -10 * math.log10(max(error / (3 * options.batch), 1e-12))

    def _rates(self) -> Array:
        options = self.options
        share = options.final_rate ** (self.iteration / self.iterations)
        rates = np.full(self.grid.squares.shape[1], options.harmonics_rate, np.float32)
        rates[0], rates[1:4] = options.density_rate, options.colour_rate
        return np.asarray(rates * share, np.float32)

    def _important(self) -> Array:
        """Mask (n,) bool of the nodes that any of the photographs' rays sees."""
        best = np.zeros((kernels.TABLES, len(self.grid)), np.float32)
        for start in range(0, len(self._bank), 1 << 18):
            batch = self._bank.take(np.arange(start, min(len(self._bank), start + (1 << 18))))
            rays = (batch.origins, batch.directions)
            kernels.contributions(self.grid.kernel_grid, rays, self.grid.density, 0.5, best)
        seen = np.asarray(best.max(0) > self.options.prune)
        return seen if seen.any() else ~seen  # nothing is visible yet: keep all nodes
