from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.nn.functional import cosine_similarity

from nst3d.features import VGG, frozen_conv
from nst3d.features.frozen_conv import FrozenConv
from nst3d.features.layers import conv_shape, layer_names
from nst3d.features.normalisation import OXFORD
from nst3d.features.winograd import convolved, transformed

X86 = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def no_bfloat16(monkeypatch):
    """A CPU on which encoders run in float32."""
    monkeypatch.setattr(frozen_conv, "fast_dtype", lambda: torch.float32)
    monkeypatch.setattr(frozen_conv, "_CAPABILITIES", (torch.backends.cpu.get_cpu_capability(),))


# Whole tiles, parts of tiles at the right and below, and planes smaller than a tile.
@pytest.mark.parametrize("size", [(8, 12), (16, 16), (13, 22), (9, 5), (3, 2), (1, 1)])
@pytest.mark.parametrize("channels", [(32, 48), (3, 5)])
def test_winograds_algorithm_agrees_with_a_direct_convolution(size, channels) -> None:
    inside, out = channels
    x, weight, bias = numbers(2, inside, *size), numbers(out, inside, 3, 3, seed=1), numbers(out, seed=2)
    direct = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    made = convolved(x, transformed(weight), bias)
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert (made - direct).abs().max() < 3e-5 * direct.abs().max()


def test_planes_larger_than_the_cache_are_done_in_blocks(monkeypatch) -> None:
    x, weight, bias = numbers(1, 8, 37, 41), numbers(8, 8, 3, 3, seed=1), numbers(8, seed=2)
    whole = convolved(x, transformed(weight), bias)
    monkeypatch.setattr("nst3d.features.winograd._BLOCK", 8 * 11 * 3)  # three rows of tiles
    assert torch.allclose(convolved(x, transformed(weight), bias), whole, atol=1e-5)


@pytest.mark.usefixtures("no_bfloat16")
def test_the_gradient_is_that_of_torchs_convolution() -> None:
    conv = FrozenConv(numbers(40, 32, 3, 3), numbers(40, seed=1))
    x, back = numbers(1, 32, 14, 19, seed=2).requires_grad_(), numbers(1, 40, 14, 19, seed=3)
    (conv(x) * back).sum().backward()
    twin = x.detach().clone().requires_grad_()
    (F.conv2d(twin, conv.weight, conv.bias, padding=1) * back).sum().backward()
    assert conv(x).grad_fn.name() == "_WinogradBackward"
    assert (x.grad - twin.grad).abs().max() < 3e-5 * twin.grad.abs().max()


@pytest.mark.usefixtures("no_bfloat16")
def test_the_gradient_is_the_adjoint() -> None:
    conv = FrozenConv(numbers(32, 48, 3, 3), torch.zeros(32))
    x, y = numbers(1, 48, 17, 12, seed=2).requires_grad_(), numbers(1, 32, 17, 12, seed=3)
    result = conv(x)
    (gradient,) = torch.autograd.grad(result, x, y)
    assert torch.sum(result * y).item() == pytest.approx(torch.sum(x * gradient).item(), rel=1e-4)


@pytest.mark.usefixtures("no_bfloat16")
def test_a_weight_that_moved_to_another_dtype_is_transformed_again() -> None:
    conv = FrozenConv(numbers(32, 32, 3, 3), numbers(32, seed=1))
    x = numbers(1, 32, 16, 16, seed=2)
    before = conv(x)
    conv.to(torch.bfloat16)
    assert conv(x.to(torch.bfloat16)).dtype == torch.bfloat16
    conv.to(torch.float32)  # its weights are rounded now
    direct = F.conv2d(x, conv.weight, conv.bias, padding=1)
    assert (conv(x) - direct).abs().max() < 1e-3 < (conv(x) - before).abs().max()
    assert torch.equal(copy.deepcopy(conv)(x), conv(x))


@pytest.mark.usefixtures("no_bfloat16")
def test_gradients_of_an_encoder_point_the_same_way(monkeypatch) -> None:
    names = layer_names("vgg19")
    shapes = {name: conv_shape(name) for name in names if name.startswith("conv")}
    convs = {name: (numbers(out, inside, 3, 3) / (4.5 * inside) ** 0.5, torch.zeros(out))
             for name, (out, inside) in shapes.items()}  # fmt: skip
    encoder = VGG("vgg19", convs, OXFORD)
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))

    def gradient() -> torch.Tensor:
        x = image.clone().requires_grad_()
        sum(f.square().mean() for f in encoder(x, ("relu1_1", "relu3_1", "relu4_2")).values()).backward()
        return x.grad.flatten().double()

    fast = gradient()
    monkeypatch.setattr(frozen_conv, "_CAPABILITIES", ())
    assert 1 - cosine_similarity(fast, gradient(), dim=0) < 1e-4


def test_torchs_convolution_is_used_where_it_is_as_fast(monkeypatch) -> None:
    conv = FrozenConv(numbers(32, 32, 3, 3), numbers(32, seed=1))
    x = numbers(1, 32, 32, 32).requires_grad_()

    def way() -> str:
        return conv(x).grad_fn.name()

    monkeypatch.setattr(frozen_conv, "fast_dtype", lambda: torch.bfloat16)
    assert way() == "ConvolutionBackward0"
    monkeypatch.setattr(frozen_conv, "fast_dtype", lambda: torch.float32)
    assert way() == ("_WinogradBackward" if X86 else "ConvolutionBackward0")
    x = numbers(1, 32, 8, 8).requires_grad_()
    assert way() == "ConvolutionBackward0"
    conv, x = conv.double(), numbers(1, 32, 32, 32).double().requires_grad_()
    assert way() == "ConvolutionBackward0"
