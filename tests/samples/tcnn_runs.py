"""Runs of tiny-cuda-nn's modules with random weights, for tests."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import torch

from nst3d.formats.nerfstudio.run import load_run, save_run


def random_run(made, folder: Path, **edits: object) -> SimpleNamespace:
    """A copy of `made` whose run has tiny-cuda-nn's modules with random weights."""
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
    from nst3d.integrations.nerfstudio.model.parts import Parts

    run = load_run(made.run)
    options = copy.deepcopy(Nerfacto(run).options)
    edits["implementation"] = "tcnn"
    for name, value in edits.items():
        setattr(options, name, value)
    state = Parts(options, run.state["field.aabb"], 8).state_dict()
    generator = torch.Generator().manual_seed(5)
    for name, tensor in state.items():
        if name.endswith("params"):
            spread = 1.0 if "mlp_head" in name else 2.0
            state[name] = (torch.rand(tensor.shape, generator=generator) - 0.5) * spread
        elif tensor.is_floating_point() and "aabb" not in name:
            state[name] = torch.randn(tensor.shape, generator=generator)
    # The same tensor under two names.
    for k in range(2):
        both = (f"proposal_networks.{k}.{n}.tcnn_encoding.params" for n in ("encoding", "mlp_base.0"))
        state[next(both)] = state[next(both)]
    config = save_run(folder / "random", run, state, {f"pipeline.model.{k}": v for k, v in edits.items()})[0]
    return SimpleNamespace(**vars(made) | {"folder": folder, "run": config})


def opened(path: Path, device: torch.device):
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto

    return Nerfacto(load_run(path), device)


def shaken(net) -> None:
    with torch.no_grad():
        for parameter in net.parameters():
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
            parameter += noise.to(parameter)
