"""Small encoders that imitate VGG-19, each with the decoder that turns its features back into a picture."""

from __future__ import annotations

from collections.abc import Mapping
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

_CONVS = ("11", "12", "21", "22", "31", "32", "33", "34", "41")
_WIDTHS = {1: 16, 2: 32, 3: 64, 4: 128}
_NARROW = 24
"""Channels of level 1, whose only convolution is wider than the first of the other levels."""


class Pair(nn.Module):
    """The encoder and decoder of a level, frozen.

    3 × 3 convolutions with reflected borders, ReLU after each but the decoder's last; 2 × 2 max pooling before each
    block, and nearest-neighbour upsampling after its counterpart, bilinear where features hardly vary. Wang et al.
    2020, "Collaborative distillation for ultra-resolution universal style transfer".
    """

    kept = 0.0
    """Nothing is added to what is decoded: these decoders are sharp."""

    def __init__(self, level: int, encoder: nn.ModuleList, decoder: nn.ModuleList, first: nn.Conv2d) -> None:
        """`first` is the 1 × 1 convolution that normalises a picture; the others are in order of computation."""
        super().__init__()
        self.level, self._names = level, _encoder_convs(level)
        self.first, self.encoder, self.decoder = first, encoder, decoder

    @property
    def stride(self) -> int:
        """Pixels from one position of the features to the next."""
        return int(2 ** (self.level - 1))

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of weights and features."""
        return self.first.weight.dtype

    @torch.no_grad()
    def encode(self, image: Planes) -> Features:
        """Features (c, ⌊h / stride⌋, ⌊w / stride⌋) of an image (3, h, w)."""
        x = self.first(image[None].to(self.first.weight).contiguous(memory_format=torch.channels_last))
        before = self._names[0]
        for name, conv in zip(self._names, self.encoder):
            if name[0] != before[0]:
                x = F.max_pool2d(x, 2)
            x, before = F.relu(_padded(conv, x)), name
        return Features(x[0])

    @torch.no_grad()
    def decode(self, features: Features, size: tuple[int, int], smooth: bool = True) -> Planes:
        """The picture (3, h, w) of features, float32, not clamped; `size` is that of the encoded image.

        Unless `smooth`, faint slopes become stairs, which finer levels can turn into strokes.
        """
        x = features[None].to(self.first.weight).contiguous(memory_format=torch.channels_last)
        for name, conv in zip(reversed(self._names), self.decoder):
            x = _padded(conv, x)
            if name != "11":
                x = F.relu(x)
                if name[1] == "1":
                    x = doubled(x, smooth)
        return fitted(x, size)


def load_pairs(
    levels: tuple[int, ...] = LEVELS,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    path: PathLike | None = None,
) -> dict[int, Pair]:
    """The pairs of these levels, ready to run.

    `path` is a folder that contains their files; without it they are searched like all weights. Raises ConfigError
    for an unknown level, MissingDependencyError if no weights are found, InputError for a damaged or another file.
    """
    for level in levels:
        if level not in LEVELS:
            raise ConfigError(f"unknown level {level}: choose from {', '.join(map(str, LEVELS))}")
    files = need_weights("wct-16x", path)
    pairs = {level: _read_pair(level, files[2 * level - 2], files[2 * level - 1]) for level in levels}
    # Channels last from the start: oneDNN would otherwise reorder all weights at each call.
    return {
        n: pair.to(device=device, dtype=dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for n, pair in pairs.items()
    }


def _encoder_convs(level: int) -> tuple[str, ...]:
    return _CONVS[: _CONVS.index(f"{level}1") + 1]


def _read_pair(level: int, encoder: Path, decoder: Path) -> Pair:
    names, there, back = _encoder_convs(level), read_tensors(encoder, "model"), read_tensors(decoder, "model")
    widths = [_NARROW if level == 1 else _WIDTHS[int(name[0])] for name in names]
    down = [
        _conv(encoder, there, f"conv{name}", (out, inside, 3, 3))
        for name, out, inside in zip(names, widths, [3, *widths])
    ]
    up = [
        _conv(decoder, back, f"conv{name}", (out, inside, 3, 3))
        for name, inside, out in zip(reversed(names), reversed(widths), [*reversed(widths[:-1]), 3])
    ]
    first = _conv(encoder, there, "conv0", (3, 3, 1, 1))
    return Pair(level, nn.ModuleList(down), nn.ModuleList(up), first)


def _conv(
    path: Path, tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, int, int, int]
) -> nn.Conv2d:
    conv = nn.Conv2d(shape[1], shape[0], shape[2])
    conv.weight = nn.Parameter(checked(path, tensors, f"{name}.weight", shape), requires_grad=False)
    conv.bias = nn.Parameter(checked(path, tensors, f"{name}.bias", shape[:1]), requires_grad=False)
    return conv


def _padded(conv: nn.Module, x: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = conv(F.pad(x, (1, 1, 1, 1), mode="reflect"))
    return out
