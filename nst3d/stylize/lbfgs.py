"""L-BFGS that evaluates once a step, for objectives whose gradients are what a step costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_FIRST = 0.02
"""Mean change of a parameter in the first step, before anything is known about curvature."""
_LEAST, _MOST = 0.1, 0.5
"""How far a step that went too far is shortened, as a fraction of it."""
_SHORTEST = 1e-3
"""Fraction of its direction below which a step is kept though the loss rose: such a rise is noise."""
_CURVED = 1e-10
"""Least cosine between a step and the change of its gradient for which the pair says something about curvature."""


class OncePerStep(torch.optim.Optimizer):
    """L-BFGS (Nocedal 1980) without a line search that looks ahead: steps of length `lr` along its direction.

    A step begins with the loss and gradient where the last one ended. If the loss is lower there, a new direction
    is taken; if it rose, the step becomes one back, to the minimum of the parabola through both losses and the first
    slope. torch's own needs two or more evaluations a step with its line search, and may diverge without.
    """

    def __init__(self, parameters: list[torch.Tensor], lr: float, history: int = 50) -> None:
        """`history`: pairs of steps and changes of the gradient that are kept."""
        super().__init__(parameters, {"lr": lr, "history": history})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` computes gradients and the loss, which is returned."""
        if closure is None:
            raise TypeError("L-BFGS needs a closure: whether a step is kept depends on the loss")
        with torch.enable_grad():
            found = closure()
        loss, (group,) = float(found), self.param_groups
        parameters = group["params"]
        state = self.state[parameters[0]]
        if not state:
            state.update(steps=[], changes=[])
        elif loss > state["loss"] and state["length"] > _SHORTEST:
            self._move(parameters, state, _shortened(state, loss) - state["length"])
            return found
        gradient = torch.cat([_gradient(table).flatten() for table in parameters])
        if "gradient" in state:
            _learn(state, gradient, group["history"])
        direction = _direction(state, gradient)
        state.update(
            gradient=gradient, direction=direction, loss=loss, slope=float(gradient @ direction), length=0.0
        )
        self._move(parameters, state, group["lr"])
        return found

    def _move(self, parameters: list[torch.Tensor], state: dict[str, Any], length: float) -> None:
        """Go so far along the direction, and remember how far that is in all."""
        parts = state["direction"].split([table.numel() for table in parameters])
        for table, part in zip(parameters, parts):
            table.add_(part.view_as(table), alpha=length)
        state["length"] += length


def _gradient(table: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(table) if table.grad is None else table.grad


def _shortened(state: dict[str, Any], loss: float) -> float:
    """The length at which the parabola through both losses and the first slope is lowest, within bounds."""
    expected = state["slope"] * state["length"]
    share = -expected / (2 * (loss - state["loss"] - expected))
    return float(state["length"] * min(max(share, _LEAST), _MOST))


def _learn(state: dict[str, Any], gradient: torch.Tensor, history: int) -> None:
    """Keep the last step and the change of the gradient, if the objective curves upwards along it."""
    step, change = state["length"] * state["direction"], gradient - state["gradient"]
    if step @ change > _CURVED * step.norm() * change.norm():
        state["steps"] = [*state["steps"], step][-history:]
        state["changes"] = [*state["changes"], change][-history:]


def _direction(state: dict[str, Any], gradient: torch.Tensor) -> torch.Tensor:
    """The gradient times the inverse of the curvature that the kept pairs show, downhill."""
    direction = -gradient
    pairs = list(zip(state["steps"], state["changes"]))
    if not pairs:
        return direction * (_FIRST / direction.abs().mean().clamp_min(torch.finfo(direction.dtype).tiny))
    shares = []
    for step, change in reversed(pairs):
        shares.append((step @ direction) / (step @ change))
        direction -= shares[-1] * change
    step, change = pairs[-1]
    direction *= (step @ change) / (change @ change)
    for (step, change), share in zip(pairs, reversed(shares)):
        direction += (share - (change @ direction) / (step @ change)) * step
    return direction
