"""CycleGAN generators with random weights, as the authors' implementation in torch writes them."""

from __future__ import annotations

from collections import OrderedDict

import torch


def state_dict(
    width: int = 4, blocks: int = 2, *, dropout: bool = False, statistics: bool = False, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Tensors by the authors' names; `statistics`: with those of instance normalisation, as files of 2017 have."""
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, torch.Tensor] = OrderedDict()

    def layer(name: str, *shape: int, out: int) -> None:
        state[f"{name}.weight"] = 0.2 * torch.randn(*shape, generator=generator)
        state[f"{name}.bias"] = 0.2 * torch.randn(out, generator=generator)
        if statistics and out > 3:
            head, _, number = name.rpartition(".")
            for ending in ("running_mean", "running_var"):
                state[f"{head}.{int(number) + 1}.{ending}"] = torch.zeros(out)

    w = width
    layer("model.1", w, 3, 7, 7, out=w)
    layer("model.4", 2 * w, w, 3, 3, out=2 * w)
    layer("model.7", 4 * w, 2 * w, 3, 3, out=4 * w)
    for block in range(10, 10 + blocks):
        for number in (1, 6 if dropout else 5):
            layer(f"model.{block}.conv_block.{number}", 4 * w, 4 * w, 3, 3, out=4 * w)
    layer(f"model.{10 + blocks}", 4 * w, 2 * w, 3, 3, out=2 * w)
    layer(f"model.{13 + blocks}", 2 * w, w, 3, 3, out=w)
    layer(f"model.{17 + blocks}", 3, w, 7, 7, out=3)
    return state
