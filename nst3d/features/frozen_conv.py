"""Frozen convolutions of 3 x 3, computed in the way that is fastest on the machine."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable

from nst3d.features.precision import fast_dtype
from nst3d.features.winograd import convolved, tiles_along, transformed

_LEAST_CHANNELS = 32
_LEAST_TILES = 9
"""With fewer, reading the transformed kernels, four times as many numbers as the kernels, takes as long as is saved."""
_CAPABILITIES = ("AVX2", "AVX512")
"""The instruction sets for which it was measured."""


class FrozenConv(nn.Conv2d):
    """A convolution of 3 x 3 with zeros around its planes, through which gradients flow to the planes alone.

    On x86 CPUs that do not multiply bfloat16 natively, it is computed by Winograd's algorithm, which agrees with
    torch's convolution to about 1e-5 of the largest value. Where bfloat16 is native, torch's is as fast in float32.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Copy weight (out, in, 3, 3) and bias (out,)."""
        out, inside = weight.shape[:2]
        with torch.device("meta"):  # skips initialising values that are then discarded
            super().__init__(inside, out, 3, padding=1)
        self.weight = nn.Parameter(weight.clone(memory_format=torch.channels_last), requires_grad=False)
        self.bias = nn.Parameter(bias.clone(), requires_grad=False)
        self._transformed: dict[bool, torch.Tensor] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Planes (b, out, h, w) of x (b, in, h, w)."""
        if self._by_winograd(x):
            result: torch.Tensor = _Winograd.apply(x, self)
            return result
        return F.conv2d(x, self.weight, self.bias, padding=1)

    def kernels(self, *, adjoint: bool) -> torch.Tensor:
        """The transformed kernels (36, in, out), or those of the adjoint (36, out, in); computed once."""
        if adjoint not in self._transformed:
            weight = self.weight.detach()
            # The adjoint of a convolution is one with its kernels turned around and its channels exchanged.
            self._transformed[adjoint] = transformed(weight.flip(2, 3).transpose(0, 1) if adjoint else weight)
        return self._transformed[adjoint]

    def _apply(self, fn: Any, recurse: bool = True) -> FrozenConv:
        self._transformed.clear()  # the weight goes to another dtype or device
        return super()._apply(fn, recurse)

    def _by_winograd(self, x: torch.Tensor) -> bool:
        return (
            x.dtype == self.weight.dtype == torch.float32
            and x.device.type == "cpu"
            and min(self.in_channels, self.out_channels) >= _LEAST_CHANNELS
            and tiles_along(x.shape[2]) * tiles_along(x.shape[3]) >= _LEAST_TILES
            and fast_dtype() == torch.float32
            and torch.backends.cpu.get_cpu_capability() in _CAPABILITIES
        )


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, conv: FrozenConv) -> torch.Tensor:
        ctx.conv = conv
        assert conv.bias is not None
        return convolved(x, conv.kernels(adjoint=False), conv.bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        conv: FrozenConv = ctx.conv
        return convolved(gradient, conv.kernels(adjoint=True), torch.zeros(conv.in_channels)), None
