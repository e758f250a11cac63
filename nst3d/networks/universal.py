"""The network that comes with nst3d: one small encoder that imitates VGG-19, and a decoder for each of its levels."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.errors import ConfigError
from nst3d.files import PathLike
from nst3d.networks.any_pair import LEVELS, fitted
from nst3d.networks.doubling import doubled
from nst3d.tensors import Features, Planes
from nst3d.weights.find import need_weights
from nst3d.weights.tensors import checked, read_tensors

WIDTHS = {1: 16, 2: 32, 3: 64, 4: 128}
"""Channels of each level: the largest principal components of VGG-19's relu1_1, relu2_1, relu3_1 or relu4_1."""

_DEPTHS = {1: 2, 2: 2, 3: 4}
"""Convolutions of each width, the first of which changes it, as in VGG-19."""


class Conv(nn.Module):
    """A 3 × 3 convolution with reflected borders, added to its input where the width stays, then ReLU."""

    def __init__(self, inside: int, out: int) -> None:
        """`inside` and `out` are the channels before and after."""
        super().__init__()
        self.conv = nn.Conv2d(inside, out, 3)
        self._adds = inside == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, inside, h, w) to (n, out, h, w)."""
        y = self.conv(F.pad(x, (1, 1, 1, 1), mode="reflect"))
        return F.relu(x + y if self._adds else y)


def _run(level: int) -> nn.Sequential:
    """The convolutions of a level that keep its width."""
    return nn.Sequential(*(Conv(WIDTHS[level], WIDTHS[level]) for _ in range(_DEPTHS[level] - 1)))


class UniversalEncoder(nn.Module):
    """Pictures to features: a chain with 2 × 2 max pooling, and a 1 × 1 convolution to each level's components."""

    def __init__(self) -> None:
        super().__init__()
        before = {1: 3} | {level + 1: WIDTHS[level] for level in LEVELS[:-1]}
        self.entries = nn.ModuleList(Conv(before[level], WIDTHS[level]) for level in LEVELS)
        self.blocks = nn.ModuleList(_run(level) for level in LEVELS[:-1])
        self.heads = nn.ModuleList(nn.Conv2d(WIDTHS[level], WIDTHS[level], 1) for level in LEVELS)

    def forward(self, pictures: torch.Tensor, level: int = LEVELS[-1]) -> list[torch.Tensor]:
        """Features (n, c, ⌊h / stride⌋, ⌊w / stride⌋) of pictures (n, 3, h, w) in [0, 1], of levels 1 to `level`."""
        x, found = pictures - 0.5, []
        for number in range(level):
            if number > 0:
                x = F.max_pool2d(self.blocks[number - 1](x), 2)
            x = self.entries[number](x)
            found.append(self.heads[number](x))
        return found


class UniversalDecoder(nn.Module):
    """One level's features to pictures: the encoder's chain backwards, with nearest-neighbour upsampling."""

    def __init__(self, level: int) -> None:
        """`level` is that of the features."""
        super().__init__()
        self.entry = nn.Conv2d(WIDTHS[level], WIDTHS[level], 1)
        finer = range(level - 1, 0, -1)
        self.narrow = nn.ModuleList(Conv(WIDTHS[n + 1], WIDTHS[n]) for n in finer)
        self.blocks = nn.ModuleList(_run(n) for n in finer)
        self.last = nn.Conv2d(WIDTHS[1], 3, 3)

    def forward(self, features: torch.Tensor, smooth: bool = False) -> torch.Tensor:
        """Pictures (n, 3, stride · h, stride · w), not clamped, of features (n, c, h, w).

        `smooth` upsamples bilinearly what hardly varies, which is not how decoders learn.
        """
        x = F.relu(self.entry(features))
        for narrow, block in zip(self.narrow, self.blocks):
            x = block(doubled(narrow(x), smooth))
        out: torch.Tensor = self.last(F.pad(x, (1, 1, 1, 1), mode="reflect"))
        return out + 0.5


class UniversalPair:
    """The encoder up to a level, and that level's decoder."""

    kept = 0.2
    """Share of what coding loses of a picture that is added again. With more, the scene's own grain comes through."""

    def __init__(self, level: int, encoder: UniversalEncoder, decoder: UniversalDecoder) -> None:
        """`encoder` may be shared by all levels."""
        self.level, self._encoder, self._decoder = level, encoder, decoder

    @property
    def stride(self) -> int:
        """Pixels from one position of the features to the next."""
        return int(2 ** (self.level - 1))

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of weights and features."""
        return self._decoder.entry.weight.dtype

    @torch.no_grad()
    def encode(self, image: Planes) -> Features:
        """Features (c, ⌊h / stride⌋, ⌊w / stride⌋) of an image (3, h, w)."""
        return Features(self._encoder(self._batch(image), self.level)[-1][0])

    @torch.no_grad()
    def decode(self, features: Features, size: tuple[int, int], smooth: bool = True) -> Planes:
        """The picture (3, h, w) of features, float32, not clamped; `size` is that of the encoded image.

        Unless `smooth`, faint slopes become stairs, which finer levels can turn into strokes.
        """
        return fitted(self._decoder(self._batch(features), smooth), size)

    def _batch(self, planes: torch.Tensor) -> torch.Tensor:
        return planes[None].to(self._decoder.entry.weight).contiguous(memory_format=torch.channels_last)


def load_universal(
    levels: tuple[int, ...] = LEVELS,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    path: PathLike | None = None,
) -> dict[int, UniversalPair]:
    """The pairs of these levels, ready to run.

    `path` is a file of weights; without it those that nst3d ships are read. Raises ConfigError for an unknown level,
    InputError for a damaged or another file.
    """
    for level in levels:
        if level not in LEVELS:
            raise ConfigError(f"unknown level {level}: choose from {', '.join(map(str, LEVELS))}")
    (file,) = need_weights("universal", path)
    encoder, decoders = UniversalEncoder(), {level: UniversalDecoder(level) for level in levels}
    tensors = read_tensors(file)
    _fill(encoder, file, tensors, "encoder")
    for level, decoder in decoders.items():
        _fill(decoder, file, tensors, f"decoders.{level}")
    for network in (encoder, *decoders.values()):
        # Channels last from the start: oneDNN would otherwise reorder all weights at each call.
        network.to(device=device, dtype=dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return {level: UniversalPair(level, encoder, decoder) for level, decoder in decoders.items()}


def _fill(network: nn.Module, file: Path, tensors: dict[str, torch.Tensor], prefix: str) -> None:
    """Give a network the weights of a file, frozen."""
    network.load_state_dict(
        {
            name: checked(file, tensors, f"{prefix}.{name}", tuple(value.shape))
            for name, value in network.state_dict().items()
        }
    )
    network.requires_grad_(False)
