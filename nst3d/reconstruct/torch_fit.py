"""One optimisation step of a voxel field in torch: the GPU's counterpart of the CPU kernels.

It also runs on a CPU, slowly, where tests compare the two.
"""

from __future__ import annotations

import numpy as np
import torch

from nst3d.reconstruct.grid import FitGrid
from nst3d.reconstruct.options import FitOptions
from nst3d.reconstruct.rays import RayBatch
from nst3d.reconstruct.step import DECAY, smoothing
from nst3d.renderers.voxel_reference import Marched, ReferenceGrid, ReferenceRays, march_reference
from nst3d.tensors import Array


class TorchStepper:
    """Steps by autograd on one device, which keeps the grid's values between steps."""

    def __init__(self, options: FitOptions, device: torch.device) -> None:
        self._options, self._device = options, device
        self._smoothing = torch.from_numpy(smoothing(options)).to(device)
        self._grid: FitGrid | None = None
        self._values = self._squares = torch.zeros(0, 4, device=device)

    def step(self, grid: FitGrid, batch: RayBatch, jitter: Array, rates: Array) -> Array:
        """Optimise the values on the device."""
        if grid is not self._grid:
            self.settle()
            self.take(grid)
        gradient, touched, shown = self.gradients(batch, jitter)
        gradient[touched] += self._variation(touched)
        self._update(gradient, touched, torch.from_numpy(rates).to(self._device))
        return np.asarray(shown.cpu().numpy(), np.float32)

    def settle(self) -> None:
        """Copy the values back into the grid's arrays."""
        if self._grid is not None:
            values = self._values.detach().cpu().numpy()
            self._grid.density[:], self._grid.colours[:] = values[:, 0], values[:, 1:]
            self._grid.squares[:] = self._squares.cpu().numpy()

    def gradients(self, batch: RayBatch, jitter: Array) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The gradient (n, 1 + 3k), the touched rows (m,), and the rays' colours (rays, 3)."""
        options = self._options
        values = self._values.requires_grad_()
        marched = march_reference(self._reference, self._rays(batch, jitter), values[:, 0], values[:, 1:])
        background = torch.from_numpy(batch.background).to(marched.image)
        shown = marched.image + marched.light[:, None] * background
        errors = (shown - torch.from_numpy(batch.targets).to(shown)).square().sum()
        loss = errors / 2 + options.distortion * distortion(marched, options.step)
        (gradient,) = torch.autograd.grad(loss / len(jitter), values)
        self._values = values.detach()
        return gradient, torch.unique(marched.rows[marched.rows >= 0]), shown.detach()

    def take(self, grid: FitGrid) -> None:
        """Copy the values of a grid to the device."""
        frame, links, _, empty, soft, scale = grid.kernel_grid
        tensors = torch.from_numpy(links).to(self._device)
        self._reference = ReferenceGrid(frame, tensors, float(empty), soft, float(scale))
        self._values = torch.from_numpy(np.column_stack([grid.density, grid.colours])).to(self._device)
        self._squares = torch.from_numpy(grid.squares.copy()).to(self._device)
        self._beside = torch.from_numpy(neighbours(grid)).to(self._device)
        self._grid = grid

    def _rays(self, batch: RayBatch, jitter: Array) -> ReferenceRays:
        degree = round((self._values.shape[1] / 3) ** 0.5) - 1
        arrays = (batch.origins, batch.directions, batch.basis(degree), jitter)
        o, d, basis, start = (torch.from_numpy(a).to(self._device) for a in arrays)
        return ReferenceRays(o, d, basis, start, self._options.step, self._options.faint)

    def _variation(self, rows: torch.Tensor) -> torch.Tensor:
        """The gradient (m, 1 + 3k) of total variation for some rows."""
        beside = self._beside[rows]
        away = self._values[rows][:, None] - self._values[beside.clamp(min=0)]
        away = away * (beside >= 0)[..., None]
        density = away[..., :1] / torch.sqrt(1 + away[..., :1].square())
        gradient = torch.cat([density, away[..., 1:]], -1).sum(1)
        parts = torch.tensor([1, 3, gradient.shape[1] - 4], device=self._device)
        return gradient * torch.repeat_interleave(self._smoothing, parts)

    def _update(self, gradient: torch.Tensor, rows: torch.Tensor, rates: torch.Tensor) -> None:
        """RMSProp on the touched rows."""
        g, old = gradient[rows], self._squares[rows]
        squares = torch.where(old == 0, g * g, DECAY * old + (1 - DECAY) * g * g)
        self._squares[rows] = squares
        self._values[rows] -= rates * g / (squares.sqrt() + 1e-12)


def distortion(marched: Marched, step: float) -> torch.Tensor:
    """The distortion loss summed over rays: Σ wᵢ wⱼ |pᵢ − pⱼ| + Σ wᵢ² step / 3 (mip-NeRF 360, eq. 15)."""
    weights, moments = marched.weights, marched.weights * marched.paths
    before, moments_before = weights.cumsum(1) - weights, moments.cumsum(1) - moments
    pairs = 2 * weights * (marched.paths * before - moments_before)
    return pairs.sum() + weights.square().sum() * step / 3


def neighbours(grid: FitGrid) -> Array:
    """(n, 6) int64: row indices of each node's neighbours, −1 for none."""
    padded = np.pad(grid.links, 1, constant_values=-1)
    shifts = np.concatenate([-np.eye(3, dtype=np.int64), np.eye(3, dtype=np.int64)])
    columns = [padded[tuple((grid.nodes + 1 + shift).T)] for shift in shifts]
    return np.stack(columns, axis=1).astype(np.int64)
