"""How much an encoder computes, and how fast this machine does."""

from __future__ import annotations

import time
from collections.abc import Iterable

import torch

from nst3d.features.frozen_conv import FrozenConv
from nst3d.features.layers import conv_shape, layer_names, stride_of

_CHANNELS, _SIDE = 256, 40
"""A convolution in the middle of a VGG network, in which it spends most of its time."""
_TAPS = 9


def flops_per_pixel(architecture: str, layers: Iterable[str]) -> float:
    """Floating-point operations of "vgg16" or "vgg19" per pixel of its image, as deep as `layers` need.

    Forward, and backward to the image, which takes as many; a multiplication and an addition are two. Pooling,
    activations and unknown layers do not count.
    """
    names = layer_names(architecture)
    depth = max((names.index(layer) for layer in layers if layer in names), default=-1)
    convs = [layer for layer in names[: depth + 1] if layer.startswith("conv")]
    products = sum(_TAPS * out * inside / stride_of(layer) ** 2 for layer in convs
                   for out, inside in [conv_shape(layer)])  # fmt: skip
    return 2 * 2 * products


@torch.no_grad()
def convolution_rate(dtype: torch.dtype, device: torch.device | str = "cpu", seconds: float = 0.25) -> float:
    """Floating-point operations per second of a convolution like an encoder's, measured for about `seconds`.

    The time is wall-clock, pauses included: on a busy machine, the rate is that of the share that is left. What is
    counted are the operations of a direct convolution, so that an algorithm that needs fewer has a higher rate.
    """
    shape = (1, _CHANNELS, _SIDE, _SIDE)
    image = torch.ones(shape, dtype=dtype, device=device).to(memory_format=torch.channels_last)
    conv = FrozenConv(torch.ones(_CHANNELS, _CHANNELS, 3, 3), torch.zeros(_CHANNELS)).to(device, dtype)
    _convolve(image, conv)  # the first call chooses the algorithm
    start, count, spent = time.perf_counter(), 0, 0.0
    while spent < seconds:
        _convolve(image, conv)
        count += 1
        spent = time.perf_counter() - start
    return count * 2 * _TAPS * _CHANNELS**2 * _SIDE**2 / spent


def _convolve(image: torch.Tensor, conv: FrozenConv) -> None:
    conv(image)
    if image.is_cuda:
        torch.cuda.synchronize(image.device)
