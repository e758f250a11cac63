"""Optimiser steps for displacing a shape."""

from __future__ import annotations

from typing import Any

import torch

from nst3d.stylize.shape.terms import Smoother

_BETAS = (0.9, 0.99)


class SmoothSteps:
    """Adam on smoothed offsets, with a uniform step size (Nicolet et al. 2021)."""

    def __init__(
        self, smoother: Smoother, start: torch.Tensor, normals: torch.Tensor, sideways: float
    ) -> None:
        self._smoother, self._normals, self._sideways = smoother, normals, sideways
        self.take(start)
        self._mean = torch.zeros_like(start)
        self._square = start.new_zeros(())
        self._count = 0

    def take(self, offsets: torch.Tensor) -> None:
        """Continue from these offsets (n, 3)."""
        self._smooth = self._scaled(offsets, 1 / self._sideways)
        self._rough = self._smoother.roughen(self._smooth)

    def state(self) -> dict[str, Any]:
        """The state for `restore`."""
        held = {"rough": self._rough, "smooth": self._smooth, "mean": self._mean, "square": self._square}
        return {name: t.cpu() for name, t in held.items()} | {"count": self._count}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a `state`."""
        device = self._mean.device
        self._rough, self._smooth, self._mean, self._square = (
            state[name].to(device) for name in ("rough", "smooth", "mean", "square")
        )
        self._count = state["count"]

    def _scaled(self, vectors: torch.Tensor, sideways: float) -> torch.Tensor:
        along = (vectors * self._normals).sum(1, keepdim=True) * self._normals
        return along + sideways * (vectors - along)

    @torch.no_grad()
    def step(self, gradient: torch.Tensor, rate: float) -> torch.Tensor:
        """The offsets after a step on their gradient (n, 3), of size about `rate` where it is largest."""
        rough = self._smoother.smooth(self._scaled(gradient, self._sideways))
        self._count += 1
        self._mean = self._mean.lerp(rough, 1 - _BETAS[0])
        self._square = self._square.lerp(rough.square().sum(1).max(), 1 - _BETAS[1])
        mean = self._mean / (1 - _BETAS[0] ** self._count)
        largest = (self._square / (1 - _BETAS[1] ** self._count)).sqrt()
        self._rough = self._rough - rate * mean / largest.clamp_min(1e-30)
        self._smooth = self._smoother.smooth(self._rough, self._smooth)
        return self._scaled(self._smooth, self._sideways)
