"""The part of CLIP that reads words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from nst3d.errors import InputError
from nst3d.features.attention.blocks import HEAD, Activation, Block, BlockSizes
from nst3d.weights.schemes import Stored


@dataclass(frozen=True)
class TextSizes:
    """Sizes of a text transformer."""

    blocks: BlockSizes
    layers: int
    vocabulary: int
    """Number of tokens that it knows."""
    context: int
    """Tokens of a text, at most."""
    joined: int
    """Channels after the last matrix."""


def text_sizes(stored: Stored, prefix: str, activation: Activation) -> TextSizes:
    """The sizes of a transformer whose tensors begin with `prefix` here. InputError if they are none."""
    vocabulary, width = stored.shape(f"{prefix}words.weight", 2)
    context, _ = stored.shape(f"{prefix}places", 2)
    inner = stored.shape(f"{prefix}blocks.0.mlp_in.weight", 2)[0]
    heads = max(1, width // HEAD)
    if width % heads:
        raise InputError(f"{stored.path}: {width} channels cannot be divided among {heads} heads")
    return TextSizes(
        BlockSizes(width, heads, inner, activation, is_causal=True),
        stored.count(f"{prefix}blocks.*.norm1.weight"),
        vocabulary,
        context,
        stored.shape(f"{prefix}projection.weight", 2)[0],
    )


@final
class TextTransformer(nn.Module):
    """A causal transformer, whose features are those at the end of a text."""

    def __init__(self, sizes: TextSizes) -> None:
        super().__init__()
        self.sizes, width = sizes, sizes.blocks.width
        self.words = nn.Embedding(sizes.vocabulary, width)
        self.places = nn.Parameter(torch.zeros(sizes.context, width))
        self.blocks = nn.ModuleList(Block(sizes.blocks) for _ in range(sizes.layers))
        self.norm_last = nn.LayerNorm(width, sizes.blocks.epsilon)
        self.projection = nn.Linear(width, sizes.joined, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The features (b, joined) of texts (b, n) as rows of tokens; the largest of a row ends its text.

        ValueError for tokens or lengths that the network does not know.
        """
        if ids.shape[1] > self.sizes.context or int(ids.max()) >= self.sizes.vocabulary:
            raise ValueError(
                f"texts must be at most {self.sizes.context} tokens below {self.sizes.vocabulary}, not"
                f" {ids.shape[1]} up to {int(ids.max())}"
            )
        tokens = self.words(ids) + self.places[: ids.shape[1]]
        for block in self.blocks:
            tokens = block(tokens)
        ends = tokens[torch.arange(len(ids), device=ids.device), ids.argmax(1)]
        return self.projection(self.norm_last(ends))
