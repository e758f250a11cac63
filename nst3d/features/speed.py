"""How much an encoder computes, and how fast this machine does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
import torch

from nst3d.features.frozen_conv import FrozenConv
from nst3d.features.layers import conv_shape, layer_names, stride_of

_CHANNELS, _SIDE = 256, 40
"""A convolution in the middle of a VGG network, in which it spends most of its time."""
_TAPS = 9
_MATRIX = 512
"""Side of the square matrices whose product is measured."""


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
    image, conv = _convolution(_CHANNELS, _SIDE, dtype, device)
    _convolve(image, conv)  # the first call chooses the algorithm
    start, count, spent = time.perf_counter(), 0, 0.0
    while spent < seconds:
        _convolve(image, conv)
        count += 1
        spent = time.perf_counter() - start
    return count * _operations(_CHANNELS, _SIDE) / spent


def peak_rates(dtype: torch.dtype, seconds: float = 0.04) -> dict[str, float]:
    """Floating-point operations per second: "matmul" of a product of matrices, "convolution" of one like an encoder's.

    On one thread of the CPU, of the call that took it least, each tried for about `seconds`. Pauses do not count, so
    that busy machines can be compared. The two differ where torch's libraries use other instructions for them: on
    AMD, float32 products do without AVX-512. Operations are those of a direct convolution, as in `convolution_rate`.
    """
    matrix = torch.ones(_MATRIX, _MATRIX, dtype=dtype)
    image, conv = _convolution(_CHANNELS, _SIDE, dtype, "cpu")
    with torch.no_grad(), _one_thread():
        product = _least_seconds(lambda: matrix @ matrix, seconds)
        convolution = _least_seconds(lambda: _convolve(image, conv), seconds)
    operations = _operations(_CHANNELS, _SIDE)
    return {"matmul": 2 * _MATRIX**3 / product, "convolution": operations / convolution}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch and numba compute on one thread."""
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])


def _least_seconds(call: Callable[[], Any], seconds: float) -> float:
    """The least CPU time of a call, after one that chooses the algorithm."""
    call()
    times, end = list[float](), time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return max(min(times), 1e-9)


def _operations(channels: int, side: int) -> float:
    """The floating-point operations of a direct convolution; see `_convolution`."""
    return 2 * _TAPS * channels**2 * side**2


def _convolution(
    channels: int, side: int, dtype: torch.dtype, device: torch.device | str
) -> tuple[torch.Tensor, FrozenConv]:
    """A picture of features, and a convolution to as many."""
    image = torch.ones(1, channels, side, side, dtype=dtype, device=device)
    conv = FrozenConv(torch.ones(channels, channels, 3, 3), torch.zeros(channels)).to(device, dtype)
    return image.to(memory_format=torch.channels_last), conv


def _convolve(image: torch.Tensor, conv: FrozenConv) -> None:
    conv(image)
    if image.is_cuda:
        torch.cuda.synchronize(image.device)
