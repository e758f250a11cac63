"""The optimisers available to schedules."""

from __future__ import annotations

from typing import Any

import torch

from nst3d.errors import ConfigError
from nst3d.stylize.lbfgs import OncePerStep
from nst3d.stylize.rmsprop import RowRMSProp
from nst3d.stylize.schedule import OptimiserName


def make_optimiser(name: OptimiserName, parameters: list[torch.Tensor], rate: float) -> torch.optim.Optimizer:
    """The optimiser `name` for parameters, with a step size in units of colour (L-BFGS: along its direction)."""
    if name == "lbfgs":
        return OncePerStep(parameters, lr=rate)
    if name == "rmsprop":
        return RowRMSProp(parameters, lr=rate)
    if name != "adam":
        raise ConfigError(f"optimiser {name!r} is not known: choose adam, rmsprop or lbfgs")
    return torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.99), fused=True)


def restore_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Continue from a `state_dict`. ValueError if its tensors do not have the parameters' shapes."""
    optimiser.load_state_dict(state)
    total = sum(table.numel() for group in optimiser.param_groups for table in group["params"])
    for table, kept in optimiser.state.items():
        for value in kept.values():
            for tensor in value if isinstance(value, list) else [value]:
                if not isinstance(tensor, torch.Tensor) or tensor.shape == table.shape:
                    continue
                if tensor.dim() > 1 or tensor.numel() not in (1, total):  # a count, or L-BFGS' flat vectors
                    raise ValueError(f"its optimiser has {tuple(tensor.shape)} for {tuple(table.shape)}")
