"""RMSProp for tables of which each step sees only some rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch

from nst3d.kernels import kernel

_EPSILON = 1e-8


class RowRMSProp(torch.optim.Optimizer):
    """RMSProp that skips rows without a gradient: neither the row nor its average changes.

    For a row seen by a step, v ← α v + (1 − α) g² and p ← p − lr · g / (√v + ε). torch's version lets v decay
    everywhere, so that rows seen by few views would take larger steps than the rest; ARF's optimiser (Zhang
    et al. 2022, built on Plenoxels) skips unseen rows, too. On a CPU one pass reads the gradient and touches
    the rows that have one.
    """

    def __init__(self, parameters: list[torch.Tensor], lr: float, alpha: float = 0.95) -> None:
        """`parameters` are tables (n, c), dense and contiguous."""
        super().__init__(parameters, {"lr": lr, "alpha": alpha})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` computes gradients and the loss, which is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    self._move(table, group["lr"], group["alpha"])
        return loss

    def _move(self, table: torch.Tensor, lr: float, alpha: float) -> None:
        state = self.state[table]
        if not state:
            state["squares"] = torch.zeros_like(table)
        squares, gradient = state["squares"], table.grad
        assert gradient is not None
        if table.device.type == "cpu":
            kind = np.float64 if table.dtype == torch.float64 else np.float32
            arrays = (t.detach().numpy() for t in (gradient.contiguous(), squares, table))
            _move_rows(*arrays, kind(lr), kind(alpha), kind(_EPSILON))
            return
        moved = squares * alpha + gradient.square() * (1 - alpha)
        seen = (gradient != 0).any(1, keepdim=True)
        squares.copy_(torch.where(seen, moved, squares))
        table -= lr * gradient / (squares.sqrt() + _EPSILON)


@kernel(parallel=True)
def _move_rows(gradient, squares, table, lr, alpha, epsilon):  # type: ignore[no-untyped-def]
    rest = gradient.dtype.type(1) - alpha
    for i in numba.prange(len(table)):
        seen = False
        for c in range(table.shape[1]):
            seen |= gradient[i, c] != 0
        if seen:
            for c in range(table.shape[1]):
                g = gradient[i, c]
                squares[i, c] = alpha * squares[i, c] + rest * g * g
                table[i, c] -= lr * g / (np.sqrt(squares[i, c]) + epsilon)
