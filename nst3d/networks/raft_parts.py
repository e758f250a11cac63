"""The parts of RAFT: encoders, the recurrent block, and correlations between two pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

Norm = Literal["instance", "batch"] | None
_NORMS = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d}


def unit(
    inside: int, outside: int, kernel: int, stride: int = 1, norm: Norm = None, relu: bool = True
) -> nn.Sequential:
    """A convolution that keeps the size at a stride of 1, normalised, and rectified."""
    parts: list[nn.Module] = [nn.Conv2d(inside, outside, kernel, stride, kernel // 2)]
    if norm is not None:
        parts.append(_NORMS[norm](outside))
    return nn.Sequential(*parts, *([nn.ReLU()] if relu else []))


class Residual(nn.Module):
    """Two convolutions, or three through a bottleneck, added to their input."""

    def __init__(self, inside: int, outside: int, stride: int, bottleneck: bool, norm: Norm) -> None:
        super().__init__()
        if bottleneck:
            narrow = outside // 4
            units = [
                unit(inside, narrow, 1, 1, norm),
                unit(narrow, narrow, 3, stride, norm),
                unit(narrow, outside, 1, 1, norm),
            ]
        else:
            units = [unit(inside, outside, 3, stride, norm), unit(outside, outside, 3, 1, norm)]
        for number, part in enumerate(units, 1):
            self.add_module(f"convnormrelu{number}", part)
        self.downsample: nn.Module = (
            unit(inside, outside, 1, stride, norm, False) if stride > 1 else nn.Identity()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The block's output, rectified."""
        y = x
        for name, part in self.named_children():
            y = part(y) if name != "downsample" else y
        return torch.relu(self.downsample(x) + y)


def features(widths: Sequence[int], bottleneck: bool, norm: Norm) -> nn.Sequential:
    """An encoder to an eighth of the size: a convolution, three pairs of blocks, and a projection to the last width."""
    encoder = nn.Sequential()
    encoder.add_module("convnormrelu", unit(3, widths[0], 7, 2, norm))
    for number, stride in enumerate((1, 2, 2), 1):
        inside, outside = widths[number - 1], widths[number]
        blocks = [
            Residual(inside, outside, stride, bottleneck, norm),
            Residual(outside, outside, 1, bottleneck, norm),
        ]
        encoder.add_module(f"layer{number}", nn.Sequential(*blocks))
    encoder.add_module("conv", nn.Conv2d(widths[3], widths[4], 1))
    return encoder


class MotionEncoder(nn.Module):
    """What the network sees of the flow so far and of the correlations at its end."""

    def __init__(self, read: int, correlation: Sequence[int], flow: Sequence[int], width: int) -> None:
        """`read` correlations a position."""
        super().__init__()
        self.convcorr1 = unit(read, correlation[0], 1)
        self.convcorr2: nn.Module = (
            unit(correlation[0], correlation[1], 3) if len(correlation) > 1 else nn.Identity()
        )
        self.convflow1, self.convflow2 = unit(2, flow[0], 7), unit(flow[0], flow[1], 3)
        self.conv = unit(correlation[-1] + flow[-1], width - 2, 3)

    def forward(self, flow: torch.Tensor, read: torch.Tensor) -> torch.Tensor:
        """(n, width, h, w), of which the last two channels are the flow itself."""
        both = torch.cat([self.convcorr2(self.convcorr1(read)), self.convflow2(self.convflow1(flow))], dim=1)
        return torch.cat([self.conv(both), flow], dim=1)


class RecurrentBlock(nn.Module):
    """Gated recurrent units of convolutions, one after the other."""

    def __init__(self, inside: int, hidden: int, kernels: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        for number, kernel in enumerate(kernels, 1):
            padding = (kernel[0] // 2, kernel[1] // 2)
            gates = {f"conv{g}": nn.Conv2d(hidden + inside, hidden, kernel, 1, padding) for g in "zrq"}
            self.add_module(f"convgru{number}", nn.ModuleDict(gates))

    def forward(self, hidden: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The new hidden state (n, hidden, h, w)."""
        for gates in self.children():
            assert isinstance(gates, nn.ModuleDict)
            both = torch.cat([hidden, x], dim=1)
            update, reset = torch.sigmoid(gates["convz"](both)), torch.sigmoid(gates["convr"](both))
            new = torch.tanh(gates["convq"](torch.cat([reset * hidden, x], dim=1)))
            hidden = torch.lerp(hidden, new, update)
        return hidden


def correlations(one: torch.Tensor, other: torch.Tensor, levels: int) -> list[torch.Tensor]:
    """Products of all positions of features (n, c, h, w) with all of others, halved from level to level.

    (n·h·w, 1, h', w') each.
    """
    count, channels, height, width = one.shape
    volume = one.flatten(2).transpose(1, 2) @ other.flatten(2) / channels**0.5
    pyramid = [volume.reshape(count * height * width, 1, height, width)]
    while len(pyramid) < levels:
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    return pyramid


def read_around(pyramid: Sequence[torch.Tensor], places: torch.Tensor, radius: int) -> torch.Tensor:
    """The correlations (n, levels·(2r + 1)², h, w) in squares around places (n, 2, h, w), x and y in positions."""
    count, _, height, width = places.shape
    steps = torch.arange(-radius, radius + 1, dtype=places.dtype, device=places.device)
    # The files' networks were trained with x varying slowest within a square.
    square = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1)
    centres = places.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
    found = []
    for level, volume in enumerate(pyramid):
        last = places.new_tensor([volume.shape[3] - 1, volume.shape[2] - 1])
        grid = (centres / 2**level + square) * 2 / last - 1
        read = F.grid_sample(volume, grid, align_corners=True)
        found.append(read.reshape(count, height, width, -1))
    return torch.cat(found, dim=-1).permute(0, 3, 1, 2)


def enlarged(flow: torch.Tensor, factor: int, weights: torch.Tensor | None) -> torch.Tensor:
    """A flow (n, 2, h, w) at `factor` times its size: interpolated, or mixed from the nine around each position.

    `weights` (n, 9·factor², h, w) are those of the mixture, before their softmax.
    """
    if weights is None:
        return factor * F.interpolate(flow, scale_factor=factor, mode="bilinear", align_corners=True)
    count, _, height, width = flow.shape
    shares = weights.reshape(count, 1, 9, factor, factor, height, width).softmax(dim=2)
    around = F.unfold(factor * flow, 3, padding=1).reshape(count, 2, 9, 1, 1, height, width)
    mixed = (shares * around).sum(dim=2)
    return mixed.permute(0, 1, 4, 2, 5, 3).reshape(count, 2, factor * height, factor * width)
