"""The optimisers available to schedules."""

from __future__ import annotations

import torch

from nst3d.errors import ConfigError
from nst3d.stylize.rmsprop import RowRMSProp
from nst3d.stylize.schedule import OptimiserName


def make_optimiser(name: OptimiserName, parameters: list[torch.Tensor], rate: float) -> torch.optim.Optimizer:
    """The optimiser `name` for parameters, with a step size in units of colour (L-BFGS: its line step)."""
    if name == "lbfgs":
        return torch.optim.LBFGS(
            parameters, lr=rate, max_iter=1, max_eval=10, history_size=50, line_search_fn="strong_wolfe",
            tolerance_grad=0, tolerance_change=0,
        )  # fmt: skip
    if name == "rmsprop":
        return RowRMSProp(parameters, lr=rate)
    if name != "adam":
        raise ConfigError(f"optimiser {name!r} is not known: choose adam, rmsprop or lbfgs")
    return torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.99), fused=True)
