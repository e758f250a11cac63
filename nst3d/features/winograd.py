"""Convolutions of 3 x 3 with a quarter of the multiplications."""

from __future__ import annotations

import torch

from nst3d.features.winograd_kernels import OUT, SIDE, analyse, synthesise

_BASIS = ((1 / 4, 0, 0), (-1 / 6, -1 / 6, -1 / 6), (-1 / 6, 1 / 6, -1 / 6),
          (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1))  # fmt: skip
"""G of F(4 x 4, 3 x 3)."""
_BLOCK = 1 << 16
"""Numbers at each of a tile's places that are transformed and multiplied together, so that they stay in the cache."""


def transformed(weight: torch.Tensor) -> torch.Tensor:
    """G K Gᵀ of kernels (out, in, 3, 3), (36, in, out) float32; computed in float64."""
    basis = weight.new_tensor(_BASIS, dtype=torch.float64)
    made = torch.einsum("ai,ocij,bj->abco", basis, weight.double(), basis)
    return made.reshape(SIDE**2, weight.shape[1], weight.shape[0]).to(torch.float32).contiguous()


@torch.no_grad()
def convolved(x: torch.Tensor, kernels: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """A convolution with zeros around its planes: (b, in, h, w) to (b, out, h, w), channels last, float32 on a CPU.

    `kernels` (36, in, out) are from `transformed`; bias (out,). Without a graph. Agrees with a direct convolution to
    about 1e-5 of the largest value. Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
    """
    batch, channels, height, width = x.shape
    out = kernels.shape[2]
    result = torch.empty(batch, out, height, width, memory_format=torch.channels_last)
    down, across = tiles_along(height), tiles_along(width)
    rows = max(1, min(down, _BLOCK // (across * max(channels, out))))
    read, made = (torch.empty(SIDE**2 * rows * across * c) for c in (channels, out))
    addend = bias.detach().numpy()
    for planes, target in zip(_images(x), _images(result), strict=True):
        for first in range(0, down, rows):
            count = min(rows, down - first) * across
            tiles, products = (_front(place, count, c) for place, c in ((read, channels), (made, out)))
            analyse(planes, first, across, tiles.numpy())
            torch.bmm(tiles, kernels, out=products)
            synthesise(products.numpy(), addend, first, across, target)
    return result


def tiles_along(pixels: int) -> int:
    """How many tiles cover a side of so many pixels."""
    return -(-pixels // OUT)


def _images(x: torch.Tensor):  # type: ignore[no-untyped-def]
    """The planes (h, w, c) of each image, in memory order."""
    return x.detach().contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).numpy()


def _front(place: torch.Tensor, count: int, channels: int) -> torch.Tensor:
    return place[: SIDE**2 * count * channels].view(SIDE**2, count, channels)
