"""Smoothed activations: identities of softmax and tanh, and which encoders are smoothed."""

from __future__ import annotations

import math

import pytest
import torch

from nst3d.features import load_encoder
from nst3d.features.smoothing import SmoothedEncoder, smoothed


def noise(*shape: int, dtype=torch.float64) -> torch.Tensor:
    return 4 * torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def entropy(features: torch.Tensor) -> float:
    """Of activations that sum to 1 (Wang et al. 2021)."""
    p = features.flatten() / features.sum()
    return float(-(p * p.clamp_min(1e-300).log()).sum())


def test_softmax_is_that_over_all_channels_and_positions() -> None:
    features = noise(5, 3, 4)
    found = (smoothed(features, "softmax") + 1) / features.numel()
    torch.testing.assert_close(found.flatten(), torch.softmax(features.flatten(), 0))
    assert float(found.sum()) == pytest.approx(1)


def test_softmax_by_hand() -> None:
    features = torch.tensor([0.0, math.log(3.0)]).reshape(2, 1, 1)
    assert smoothed(features, "softmax").flatten().tolist() == pytest.approx([-0.5, 0.5])


def test_softmax_has_the_mean_0_and_ignores_a_constant() -> None:
    features = noise(5, 3, 4)
    found = smoothed(features, "softmax")
    assert float(found.mean()) == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(smoothed(features + 7, "softmax"), found)
    assert torch.equal(smoothed(torch.full((2, 3, 3), 5.0), "softmax"), torch.zeros(2, 3, 3))


def test_softmax_does_not_depend_on_the_size() -> None:
    features = noise(5, 3, 4)
    torch.testing.assert_close(
        smoothed(features.repeat(1, 2, 2), "softmax"), smoothed(features, "softmax").repeat(1, 2, 2)
    )


def test_a_batch_is_smoothed_one_by_one_and_peaks_do_not_overflow() -> None:
    features = torch.stack([noise(5, 3, 4), 300 * noise(5, 3, 4)])
    alone = torch.stack([smoothed(f, "softmax") for f in features])
    assert torch.equal(smoothed(features, "softmax"), alone)
    assert torch.isfinite(smoothed(features.bfloat16(), "softmax")).all()


def test_smoothing_raises_the_entropy_of_peaks() -> None:
    """What the paper adds it for: sparse features of residual networks become dense."""
    peaks = torch.zeros(8, 8, 8, dtype=torch.float64)
    peaks.view(-1)[::37] = 3
    assert entropy(smoothed(peaks, "softmax") + 1) > entropy(peaks) + 1


def test_tanh_is_bounded_and_odd() -> None:
    features = noise(5, 3, 4) - 2
    found = smoothed(features, "tanh")
    assert found.abs().max() < 1
    torch.testing.assert_close(smoothed(-features, "tanh"), -found)
    assert smoothed(torch.tensor([[[0.5]]]), "tanh").item() == pytest.approx(math.tanh(0.5))
    assert torch.equal(smoothed(features, "none"), features)


@pytest.mark.parametrize("smooth", ["softmax", "tanh"])
def test_gradcheck_dtype_and_memory(smooth) -> None:
    features = noise(3, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: smoothed(f, smooth), features)
    last = noise(1, 8, 4, 6).to(torch.bfloat16, memory_format=torch.channels_last)
    found = smoothed(last, smooth)
    assert found.dtype == torch.bfloat16
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_an_encoder_is_smoothed_if_it_is_residual_or_asked_to_be(data_dir) -> None:
    folder, image = data_dir / "weights" / "torchvision", noise(3, 64, 64, dtype=torch.float32) / 4
    plain = load_encoder("alexnet", path=folder, dtype=torch.float32, smooth="auto")
    assert not isinstance(plain, SmoothedEncoder)
    even = load_encoder("alexnet", path=folder, dtype=torch.float32, smooth="tanh")
    torch.testing.assert_close(even(image, ["relu2"])["relu2"], plain(image, ["relu2"])["relu2"].tanh())
    assert even.stride("relu2") == 8
    assert even.own(("relu4_1", "image")) == ("relu2", "image")
    assert even.unit == 1
