"""Vision transformers (Dosovitskiy et al. 2021) as CLIP and DINO have them, of the sizes of a file's tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.errors import InputError
from nst3d.features.attention.blocks import HEAD, Activation, Block, BlockSizes
from nst3d.weights.schemes import Stored

_MOST_HEADS = 16
"""Heads of wide vision transformers in open_clip (ViT-H and larger), whose heads are wider than 64 channels."""


@dataclass(frozen=True)
class VitSizes:
    """Sizes of a vision transformer."""

    blocks: BlockSizes
    layers: int
    patch: int
    """Pixels a side of a patch."""
    grid: int
    """Patches a side of the pictures that it was trained on."""
    registers: int = 0
    """Tokens that stand for nothing (Darcet et al. 2024)."""
    has_first_norm: bool = False
    has_bias: bool = False
    """Whether a bias is added to patches."""
    joined: int | None = None
    """Channels after the last matrix; None without one."""

    @property
    def side(self) -> int:
        """Pixels a side of the pictures that it was trained on."""
        return self.patch * self.grid


def vit_sizes(stored: Stored, prefix: str, activation: Activation, epsilon: float) -> VitSizes:
    """The sizes of a transformer whose tensors begin with `prefix` here. InputError if they are none."""
    width, _, patch, _ = stored.shape(f"{prefix}patches.weight", 4)
    tokens, _ = stored.shape(f"{prefix}places", 2)
    grid = math.isqrt(tokens - 1)
    if grid * grid != tokens - 1 or grid == 0:
        name = stored.scheme.names(f"{prefix}places")[0]
        raise InputError(f"{stored.path}: {name} has {tokens} rows, expected one more than a square")
    layers = stored.count(f"{prefix}blocks.*.norm1.weight")
    inner = stored.shape(f"{prefix}blocks.0.mlp_in.weight", 2)[0]
    heads = max(1, min(_MOST_HEADS, width // HEAD))
    has_registers, has_projection = f"{prefix}registers" in stored, f"{prefix}projection.weight" in stored
    if width % heads:
        raise InputError(f"{stored.path}: {width} channels cannot be divided among {heads} heads")
    return VitSizes(
        BlockSizes(width, heads, inner, activation, epsilon, f"{prefix}blocks.0.scale1" in stored),
        layers,
        patch,
        grid,
        registers=stored.shape(f"{prefix}registers", 2)[0] if has_registers else 0,
        has_first_norm=f"{prefix}norm_first.weight" in stored,
        has_bias=f"{prefix}patches.bias" in stored,
        joined=stored.shape(f"{prefix}projection.weight", 2)[0] if has_projection else None,
    )


@final
class VisionTransformer(nn.Module):
    """A transformer over the patches of a picture, with a first token that stands for all of it."""

    def __init__(self, sizes: VitSizes) -> None:
        super().__init__()
        self.sizes, width, epsilon = sizes, sizes.blocks.width, sizes.blocks.epsilon
        self.patches = nn.Conv2d(3, width, sizes.patch, sizes.patch, bias=sizes.has_bias)
        self.class_token = nn.Parameter(torch.zeros(width))
        self.registers = nn.Parameter(torch.zeros(sizes.registers, width)) if sizes.registers else None
        self.places = nn.Parameter(torch.zeros(1 + sizes.grid**2, width))
        self.norm_first = nn.LayerNorm(width, epsilon) if sizes.has_first_norm else None
        self.blocks = nn.ModuleList(Block(sizes.blocks) for _ in range(sizes.layers))
        self.norm_last = nn.LayerNorm(width, epsilon)
        self.projection = None if sizes.joined is None else nn.Linear(width, sizes.joined, bias=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The features (b, joined or width) of normalised pictures (b, 3, h, w), whose sides hold whole patches."""
        tokens = self.tokens(pictures, len(self.blocks))
        whole = self.norm_last(tokens[:, 0])
        return whole if self.projection is None else self.projection(whole)

    def keys(self, pictures: torch.Tensor) -> torch.Tensor:
        """The last block's keys (b, 1 + n, width): of the whole picture, then of its n patches, row by row."""
        last = self.blocks[-1]
        assert isinstance(last, Block)
        keys = last.keys(self.tokens(pictures, len(self.blocks) - 1))
        return torch.cat([keys[:, :1], keys[:, 1 + self.sizes.registers :]], 1)

    def tokens(self, pictures: torch.Tensor, depth: int) -> torch.Tensor:
        """The tokens (b, 1 + registers + n, width) after as many blocks as `depth`.

        ValueError for a side that does not hold whole patches.
        """
        patch = self.sizes.patch
        height, width = pictures.shape[2:]
        if height % patch or width % patch or not height or not width:
            raise ValueError(f"sides of pictures must be multiples of {patch} pixels, not {height} x {width}")
        rows = self._patch_rows(pictures)
        first = self.class_token.expand(len(rows), 1, -1)
        tokens = torch.cat([first, rows], 1) + self._places_for(height // patch, width // patch)
        if self.registers is not None:
            own = self.registers.expand(len(rows), -1, -1)
            tokens = torch.cat([tokens[:, :1], own, tokens[:, 1:]], 1)
        if self.norm_first is not None:
            tokens = self.norm_first(tokens)
        for block in self.blocks[:depth]:
            tokens = block(tokens)
        return tokens

    def _patch_rows(self, pictures: torch.Tensor) -> torch.Tensor:
        """The patches (b, n, width), row by row: a convolution whose windows do not overlap is a product."""
        patch, conv = self.sizes.patch, self.patches
        batch, channels, height, width = pictures.shape
        cut = pictures.reshape(batch, channels, height // patch, patch, width // patch, patch)
        rows = cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * patch**2)
        return F.linear(rows, conv.weight.flatten(1), conv.bias)

    def _places_for(self, rows: int, columns: int) -> torch.Tensor:
        return places_for(self.places, self.sizes.grid, rows, columns)


def places_for(places: torch.Tensor, grid: int, rows: int, columns: int) -> torch.Tensor:
    """What stands for places (1 + grid², c), enlarged bicubically to (1 + rows · columns, c); the first stays."""
    if (rows, columns) == (grid, grid):
        return places
    square = places[1:].T.reshape(1, -1, grid, grid).float()
    other = F.interpolate(square, (rows, columns), mode="bicubic", align_corners=False)
    return torch.cat([places[:1], other[0].flatten(1).T.to(places)])
