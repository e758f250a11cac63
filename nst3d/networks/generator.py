"""A feed-forward network that paints pictures in the styles it was trained for, one or several mixed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.bounds import Within, check_bounds
from nst3d.networks.conv_lstm import ConvLSTM

_FIRST, _EDGE = 9, 3
"""Side of the kernels that read pictures, and of all others."""
_FLOOR = 1e-5
"""Added to variances, so that a channel without detail stays so."""


@dataclass(frozen=True)
class GeneratorShape:
    """The architecture of a generator."""

    widths: tuple[int, int, int] = (16, 32, 64)
    """Channels at full, half and quarter resolution."""
    blocks: Annotated[int, Within(1, 32)] = 5
    """Residual blocks at quarter resolution."""
    styles: Annotated[int, Within(1, 1000)] = 1
    """Number of styles."""
    recurrent: bool = False
    """Whether it remembers the pictures before, as frames of a video."""

    def __post_init__(self) -> None:
        """Raise ConfigError for numbers outside their bounds."""
        check_bounds(self, "network: ")
        for width in self.widths:
            Within(1, 512).check("network: a width", width)


class Generator(nn.Module):
    """Two convolutions of stride 2, residual blocks, and nearest-neighbour upsampling before two more convolutions.

    Johnson et al. 2016 ("Perceptual losses for real-time style transfer"), narrower, with instance normalisation
    (Ulyanov et al. 2016) whose scale and shift each style has for itself (Dumoulin et al. 2017, "A learned
    representation for artistic style"): everything else is common to all styles. Features of the same resolution are
    added on the way up, so that a few hundred steps suffice to keep a picture's details, and the last kernel is small:
    a large one took a quarter of the network's time. Borders are reflected, and a sigmoid bounds the output. As the
    first normalisation removes them, brightness and contrast of a picture change nothing. A recurrent one has a
    `ConvLSTM` after its residual blocks.
    """

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        full, half, quarter = shape.widths
        self.down = nn.ModuleList(
            [
                _Conv(3, full, shape.styles, _FIRST),
                _Conv(full, half, shape.styles, stride=2),
                _Conv(half, quarter, shape.styles, stride=2),
            ]
        )
        self.blocks = nn.ModuleList(_Block(quarter, shape.styles) for _ in range(shape.blocks))
        self.memory = ConvLSTM(quarter, max(quarter // 2, 1)) if shape.recurrent else None
        self.up = nn.ModuleList([_Conv(quarter, half, shape.styles), _Conv(half, full, shape.styles)])
        self.last = nn.Conv2d(full, 3, _EDGE)

    def forward(self, pictures: torch.Tensor, mix: Sequence[float] | torch.Tensor) -> torch.Tensor:
        """The painted pictures (n, 3, h, w) of pictures (n, 3, h, w), both in [0, 1].

        `mix` (styles,) are the shares of the styles, which mix scales and shifts linearly; they should sum to 1. Sides
        must be at least 8 pixels. Each picture is painted by itself, as the first of a video.
        """
        return self.follow(pictures, mix)[0]

    def follow(
        self, pictures: torch.Tensor, mix: Sequence[float] | torch.Tensor, memory: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The painted pictures, as `forward` gives them, and the memory (n, c, h', w') for those that follow them.

        `memory` is that of the pictures before, at a quarter of their size; None: there are none. Networks that are not
        recurrent ignore it, and return None.
        """
        shares = torch.as_tensor(mix).to(self.last.weight)
        height, width = pictures.shape[2:]
        # A multiple of 4 is what two halvings give back.
        x = F.pad(pictures, (0, -width % 4, 0, -height % 4), mode="reflect")
        x = x.contiguous(memory_format=torch.channels_last)
        fine: list[torch.Tensor] = []
        for conv in self.down:
            x = F.relu(conv(x, shares))
            fine.append(x)
        for block in self.blocks:
            x = block(x, shares)
        if self.memory is not None:
            x, memory = self.memory(x, memory)
        for conv, kept in zip(self.up, (fine[1], fine[0])):
            x = F.relu(conv(F.interpolate(x, scale_factor=2.0, mode="nearest"), shares) + kept)
        painted = torch.sigmoid(self.last(_reflected(x, _EDGE)))[:, :, :height, :width]
        return painted, None if self.memory is None else memory


def random_generator(shape: GeneratorShape, seed: int) -> Generator:
    """A generator to be trained, with random weights determined by the seed."""
    source = torch.Generator().manual_seed(seed)
    made = Generator(shape)
    for layer in made.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=source)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    if made.memory is not None:
        nn.init.zeros_(made.memory.out.weight)
    # Channels last from the start: oneDNN would otherwise reorder all weights at each call.
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class _Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width: int, styles: int) -> None:
        super().__init__()
        self.first, self.second = _Conv(width, width, styles), _Conv(width, width, styles)

    def forward(self, x: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        added: torch.Tensor = self.second(F.relu(self.first(x, shares)), shares)
        return x + added


class _Conv(nn.Module):
    """A convolution with reflected borders, and instance normalisation with a scale and shift for each style.

    It has no bias, which the normalisation would remove.
    """

    def __init__(self, inside: int, out: int, styles: int, side: int = _EDGE, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, out, side, stride, bias=False)
        self.scale = nn.Parameter(torch.ones(styles, out))
        self.shift = nn.Parameter(torch.zeros(styles, out))

    def forward(self, x: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        x = self.conv(_reflected(x, self.conv.kernel_size[0]))
        # A group a channel is an instance norm, computed without reordering channels-last memory.
        return F.group_norm(x, x.shape[1], shares @ self.scale, shares @ self.shift, _FLOOR)


def _reflected(x: torch.Tensor, side: int) -> torch.Tensor:
    return F.pad(x, (side // 2,) * 4, mode="reflect")
