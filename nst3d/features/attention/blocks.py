"""The block that all transformers here are made of."""

from __future__ import annotations

from typing import Literal, NamedTuple, final

import torch
import torch.nn.functional as F
from torch import nn

Activation = Literal["quick", "exact"]
"""x · sigmoid(1.702 x), with which OpenAI trained CLIP, or x · Φ(x), with which everybody else trains."""
_SHORT = 256
"""Tokens up to which the matrix of all pairs is cheaper on a CPU than torch's attention, whose gradient is slow."""
HEAD = 64
"""Channels of a head of attention in most published networks."""


class BlockSizes(NamedTuple):
    """What a file's tensors say of a transformer's blocks, and what they do not."""

    width: int
    heads: int
    inner: int
    """Channels inside of the perceptron."""
    activation: Activation
    epsilon: float = 1e-5
    """Added to variances before they are divided by."""
    is_scaled: bool = False
    """Whether what a block adds is scaled channel by channel, as in DINOv2."""
    is_causal: bool = False
    """Whether a token sees none after it."""


@final
class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017) over tokens (b, n, width)."""

    def __init__(self, sizes: BlockSizes) -> None:
        super().__init__()
        self._heads, self._is_causal = sizes.heads, sizes.is_causal
        self.qkv = nn.Linear(sizes.width, 3 * sizes.width)
        self.out = nn.Linear(sizes.width, sizes.width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """What each token (b, n, width) finds in all of them, or in those before it."""
        q, k, v = (part.unflatten(2, (self._heads, -1)).transpose(1, 2) for part in self.parts(tokens))
        mixed = _attended(q, k, v, self._is_causal)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def parts(self, tokens: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Queries, keys and values (b, n, width), the heads side by side."""
        return self.qkv(tokens).chunk(3, dim=2)


def _attended(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, is_causal: bool) -> torch.Tensor:
    """What queries (b, heads, n, c) find among keys and values of the same shape."""
    if q.is_cuda or is_causal or q.shape[2] > _SHORT:
        return F.scaled_dot_product_attention(q, k, v, is_causal=is_causal)
    weights = (q @ k.transpose(2, 3) * q.shape[3] ** -0.5).softmax(3)
    return weights @ v


@final
class Block(nn.Module):
    """Attention, then a perceptron, each after a normalisation and added to what was there."""

    def __init__(self, sizes: BlockSizes) -> None:
        super().__init__()
        width, inner = sizes.width, sizes.inner
        self._activation = sizes.activation
        self.norm1 = nn.LayerNorm(width, sizes.epsilon)
        self.attention = Attention(sizes)
        self.norm2 = nn.LayerNorm(width, sizes.epsilon)
        self.mlp_in, self.mlp_out = nn.Linear(width, inner), nn.Linear(inner, width)
        self.scale1 = self.scale2 = None
        if sizes.is_scaled:
            self.scale1, self.scale2 = (nn.Parameter(torch.ones(width)) for _ in range(2))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The tokens (b, n, width) after this block."""
        tokens = tokens + _scaled(self.attention(self.norm1(tokens)), self.scale1)
        inner = self.mlp_in(self.norm2(tokens))
        inner = inner * torch.sigmoid(1.702 * inner) if self._activation == "quick" else F.gelu(inner)
        return tokens + _scaled(self.mlp_out(inner), self.scale2)

    def keys(self, tokens: torch.Tensor) -> torch.Tensor:
        """The keys (b, n, width) by which tokens are found in this block's attention."""
        return self.attention.parts(self.norm1(tokens))[1]


def _scaled(change: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    return change if scale is None else change * scale
