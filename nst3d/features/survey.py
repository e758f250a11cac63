"""What a network computes at its layers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

_SIDE = 128
_DEEPEST = 32


class Place(NamedTuple):
    """Where a layer is in a network."""

    stride: int
    """Pixels from one of its positions to the next, a power of two."""
    products: float
    """Multiplications of convolutions and linear maps until it is done, by pixel of the image."""


def survey(body: nn.Module) -> dict[str, Place]:
    """The modules of a network whose output is a map of features (1, c, h, w), in the order in which they are done.

    The network, which is on the CPU, runs once. (On the device "meta" nothing would be computed, but what that imports
    takes seconds.)
    """
    found: dict[str, Place] = {}
    total = [0.0]

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def note(module: nn.Module, given: Any, output: Any) -> None:
            total[0] += _products(module, output) / _SIDE**2
            stride = _stride(output)
            if stride is not None and name not in found:
                found[name] = Place(stride, total[0])

        return note

    handles = [m.register_forward_hook(hook(name)) for name, m in body.named_modules() if name]
    with torch.no_grad():
        body.eval()(torch.zeros(1, 3, _SIDE, _SIDE, dtype=next(body.parameters()).dtype))
    for handle in handles:
        handle.remove()
    return found


def _stride(output: Any) -> int | None:
    """The stride of a square map of features; None for anything else."""
    if not isinstance(output, torch.Tensor) or output.dim() != 4 or output.shape[2] != output.shape[3]:
        return None
    stride = 2 ** round(math.log2(_SIDE / output.shape[3]))
    return stride if 1 <= stride <= _DEEPEST else None


def _products(module: nn.Module, output: Any) -> float:
    if isinstance(module, nn.Conv2d):
        side = math.prod(module.kernel_size)
        return output[0].numel() * side * module.in_channels / module.groups
    return output.numel() * module.in_features if isinstance(module, nn.Linear) else 0.0
