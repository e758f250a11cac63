"""The interface of one optimisation step of a field, and its CPU implementation."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from nst3d.reconstruct import kernels
from nst3d.reconstruct.grid import FitGrid
from nst3d.reconstruct.options import FitOptions
from nst3d.reconstruct.rays import RayBatch
from nst3d.tensors import Array

DECAY = 0.95
"""Decay of the running mean of squared gradients."""


class Stepper(Protocol):
    """Takes optimisation steps; the grid's values may be kept elsewhere in between."""

    def step(self, grid: FitGrid, batch: RayBatch, jitter: Array, rates: Array) -> Array:
        """Optimise the grid on a batch of rays with `jitter` (n,) and learning rates (1 + 3k,).

        Returns the colours (n, 3) float32 that the rays had before the step. Successive steps may use the same grid
        or a new one.
        """

    def settle(self) -> None:
        """Update the arrays of the grid used in the last step."""


def smoothing(options: FitOptions) -> Array:
    """The weights (3,) float32 of the total variation of density, colours and harmonics."""
    weights = (options.smooth_density, options.smooth_colour, options.smooth_harmonics)
    return np.array(weights, np.float32) / np.float32(options.batch)


class KernelStepper:
    """Steps with fused kernels: the same bytes with any number of threads."""

    def __init__(self, options: FitOptions) -> None:
        self._options = options
        self._gradients = np.zeros((kernels.TABLES, 0, 0), np.float32)
        self._touched = np.zeros((kernels.TABLES, 0), np.uint8)

    def step(self, grid: FitGrid, batch: RayBatch, jitter: Array, rates: Array) -> Array:
        """Optimise the grid in place."""
        options, params = self._options, (grid.density, grid.colours)
        if self._gradients.shape[1:] != grid.squares.shape:
            self._gradients = np.zeros((kernels.TABLES, *grid.squares.shape), np.float32)
            self._touched = np.zeros((kernels.TABLES, len(grid)), np.uint8)
        shown = np.empty((len(jitter), 3), np.float32)
        settings = (batch.background, options.step, options.faint, options.distortion / options.batch)
        given = (batch.origins, batch.directions, batch.basis(grid.degree), batch.targets, jitter)
        tables = (self._gradients, self._touched)
        kernels.accumulate(grid.kernel_grid, given, params, settings, *tables, shown)
        kernels.smooth(*params, (grid.links, grid.nodes), smoothing(options), *tables)
        kernels.update(*params, grid.squares, (rates, np.float32(DECAY)), *tables)
        return shown

    def settle(self) -> None:
        """Do nothing: steps change the grid's own arrays."""
