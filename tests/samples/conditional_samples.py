"""Small random networks whose normalisation depends on the style."""

from __future__ import annotations

import torch
from torch import nn

from nst3d.networks.conditional import ConditionalNet, Layer


class MeanColour(nn.Module):
    """Reads a style's mean colour as its code."""

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return picture.mean((1, 2))


def random_net(codes: int) -> ConditionalNet:
    """A network whose styles are vectors of that many numbers."""
    draw = torch.Generator().manual_seed(0)

    def layer(out: int, inside: int, side: int = 3, stride: int = 1) -> Layer:
        linear = nn.Linear(codes, out), nn.Linear(codes, out)
        for module in linear:
            module.weight = nn.Parameter(2 * torch.randn(out, codes, generator=draw))
            module.bias = nn.Parameter(torch.randn(out, generator=draw))
        return Layer(torch.randn(out, inside, side, side, generator=draw) / side, stride=stride, style=linear)

    contract = [layer(4, 3, 9), layer(4, 4, stride=2), layer(4, 4, stride=2)]
    return ConditionalNet(contract, [layer(4, 4), layer(4, 4)], [layer(4, 4), layer(4, 4), layer(3, 4, 9)])
