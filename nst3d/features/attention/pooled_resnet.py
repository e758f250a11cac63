"""The residual networks of CLIP: smoothed before each stride, and pooled by attention (Radford et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.errors import InputError
from nst3d.features.attention.blocks import HEAD
from nst3d.features.attention.vit import places_for
from nst3d.weights.schemes import Stored

_STRIDE, _EXPANSION, _STAGES = 32, 4, 4


@dataclass(frozen=True)
class ResNetSizes:
    """Sizes of a network."""

    width: int
    """Channels of the first stage inside of its blocks."""
    blocks: tuple[int, ...]
    """Blocks of each stage."""
    grid: int
    """Positions a side of the last stage for the pictures that it was trained on."""
    joined: int
    """Channels after the last matrix."""

    @property
    def last(self) -> int:
        """Channels of the last stage."""
        return self.width * _EXPANSION * 2 ** (_STAGES - 1)

    @property
    def side(self) -> int:
        """Pixels a side of the pictures that it was trained on."""
        return self.grid * _STRIDE


def resnet_sizes(stored: Stored, prefix: str) -> ResNetSizes:
    """The sizes of a network whose tensors begin with `prefix` here. InputError if they are none."""
    width = stored.shape(f"{prefix}layer1.0.conv1.weight", 4)[0]
    tokens, channels = stored.shape(f"{prefix}attnpool.positional_embedding", 2)
    grid = math.isqrt(tokens - 1)
    if grid * grid != tokens - 1 or grid == 0 or channels % max(1, channels // HEAD):
        raise InputError(
            f"{stored.path}: {prefix}attnpool.positional_embedding has the shape ({tokens}, {channels}), expected"
            " one row more than a square, and channels for whole heads"
        )
    blocks = tuple(stored.count(f"{prefix}layer{stage}.*.conv1.weight") for stage in range(1, _STAGES + 1))
    return ResNetSizes(width, blocks, grid, stored.shape(f"{prefix}attnpool.c_proj.weight", 2)[0])


@final
class _Bottleneck(nn.Module):
    """Three convolutions beside a way past them; a stride is a mean over 2 x 2 positions on both."""

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * _EXPANSION
        self._stride = stride
        # Attributes are called like the tensors in the files.
        self.conv1, self.bn1 = nn.Conv2d(inside, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or inside != out:
            self.downsample = nn.Sequential(nn.Conv2d(inside, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        past = self._smaller(x)
        y = F.relu(self.bn1(self.conv1(x)))
        y = self._smaller(F.relu(self.bn2(self.conv2(y))))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (past if self.downsample is None else self.downsample(past)))

    def _smaller(self, x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(x, self._stride) if self._stride > 1 else x


@final
class _AttentionPool(nn.Module):
    """What the mean of all positions finds in them by attention."""

    def __init__(self, sizes: ResNetSizes) -> None:
        super().__init__()
        width = sizes.last
        self._grid, self._heads = sizes.grid, max(1, width // HEAD)
        self.positional_embedding = nn.Parameter(torch.zeros(1 + sizes.grid**2, width))
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, width) for _ in range(3))
        self.c_proj = nn.Linear(width, sizes.joined)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([rows.mean(1, keepdim=True), rows], 1)
        tokens = tokens + places_for(self.positional_embedding, self._grid, x.shape[2], x.shape[3])
        parts = self.q_proj(tokens[:, :1]), self.k_proj(tokens), self.v_proj(tokens)
        q, k, v = (part.unflatten(2, (self._heads, -1)).transpose(1, 2) for part in parts)
        found = F.scaled_dot_product_attention(q, k, v)
        return self.c_proj(found.transpose(1, 2).flatten(2))[:, 0]


@final
class PooledResNet(nn.Module):
    """A residual network with three convolutions before its stages."""

    def __init__(self, sizes: ResNetSizes) -> None:
        super().__init__()
        self.sizes = sizes
        half = sizes.width // 2
        self.conv1, self.bn1 = nn.Conv2d(3, half, 3, 2, 1, bias=False), nn.BatchNorm2d(half)
        self.conv2, self.bn2 = nn.Conv2d(half, half, 3, padding=1, bias=False), nn.BatchNorm2d(half)
        self.conv3, self.bn3 = (
            nn.Conv2d(half, sizes.width, 3, padding=1, bias=False),
            nn.BatchNorm2d(sizes.width),
        )
        inside = sizes.width
        for stage, count in enumerate(sizes.blocks):
            width, blocks = sizes.width * 2**stage, []
            for number in range(count):
                blocks.append(_Bottleneck(inside, width, 2 if stage and not number else 1))
                inside = width * _EXPANSION
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.attnpool = _AttentionPool(sizes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The features (b, joined) of normalised pictures (b, 3, h, w), whose sides are multiples of 32 pixels."""
        height, width = pictures.shape[2:]
        if height % _STRIDE or width % _STRIDE or not height or not width:
            raise ValueError(
                f"sides of pictures must be multiples of {_STRIDE} pixels, not {height} x {width}"
            )
        x = pictures
        for conv, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            x = F.relu(norm(conv(x)))
        x = F.avg_pool2d(x, 2)
        for stage in range(1, _STAGES + 1):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.attnpool(x)

    def norms(self) -> Iterator[tuple[str, str]]:
        """The names of each convolution and of the batch normalisation after it."""
        for name, module in self.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                before, _, own = name.rpartition(".")
                dot = f"{before}." if before else ""
                yield (f"{dot}{own.replace('bn', 'conv')}" if "bn" in own else f"{dot}0"), name
