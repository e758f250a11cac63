"""A convolutional LSTM: features that remember those of the pictures before."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

_SIDE = 3


class ConvLSTM(nn.Module):
    """Adds to features what it remembers of those before, along a sequence of pictures.

    Shi et al. 2015, "Convolutional LSTM network", between the two halves of a generator as in Gao et al. 2020, "Fast
    video multi-style transfer". What it adds begins at 0, so that a network with one is at first the network without.
    """

    def __init__(self, features: int, width: int) -> None:
        """`width`: channels of its output, and of its cell."""
        super().__init__()
        self.width = width
        self.gates = nn.Conv2d(features + width, 4 * width, _SIDE)
        self.out = nn.Conv2d(width, features, 1)

    def forward(self, x: torch.Tensor, memory: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (n, c, h, w) with what is remembered, and the memory (n, 2 width, h, w) for the next picture.

        A memory of None is that of a sequence's first picture, zero.
        """
        if memory is None:
            memory = x.new_zeros(len(x), 2 * self.width, *x.shape[2:])
        hidden, cell = memory.chunk(2, 1)
        padded = F.pad(torch.cat([x, hidden], 1), (_SIDE // 2,) * 4, mode="reflect")
        take, forget, show, new = self.gates(padded).chunk(4, 1)
        # One more than the gate's own: a cell that forgets from the start learns slowly.
        cell = torch.sigmoid(forget + 1) * cell + torch.sigmoid(take) * torch.tanh(new)
        hidden = torch.sigmoid(show) * torch.tanh(cell)
        return x + self.out(hidden), torch.cat([hidden, cell], 1)
