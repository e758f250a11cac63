from __future__ import annotations

import pytest
import torch

from nst3d.images.fill import fill


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def disc(height: int, width: int, radius: float) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((x - width / 2) ** 2 + (y - height / 2) ** 2 < radius**2).float()[..., None]


@pytest.mark.parametrize("size", [(16, 16), (7, 13), (1, 9), (33, 20)])
def test_what_is_known_stays(size) -> None:
    image, weight = noise(*size, 3), (noise(*size, 1, seed=1) > 0.5).float()
    filled = fill(image, weight)
    assert filled.shape == image.shape
    known = weight[..., 0] == 1
    torch.testing.assert_close(filled[known], image[known], rtol=0, atol=1e-6)
    assert torch.isfinite(filled).all()


def test_one_colour_fills_everything() -> None:
    image = torch.zeros(40, 30, 3)
    image[...] = torch.tensor([0.2, 0.5, 0.8])
    image[:, :20] = 0.0  # what is not known has no say
    weight = torch.zeros(40, 30, 1)
    weight[5:9, 22:26] = 1
    filled = fill(image, weight)
    torch.testing.assert_close(
        filled[:, :], torch.tensor([0.2, 0.5, 0.8]).expand(40, 30, 3), atol=1e-5, rtol=0
    )


def test_a_fully_known_image_and_an_unknown_one_stay_as_they_are() -> None:
    image = noise(12, 9, 3)
    torch.testing.assert_close(fill(image, torch.ones(12, 9, 1)), image, rtol=0, atol=1e-7)
    assert torch.equal(fill(image, torch.zeros(12, 9, 1)), image)


def test_close_to_what_is_known_it_goes_on() -> None:
    """Left dark, right bright: the gaps beside each take after it, and stay within the known range."""
    image = torch.zeros(32, 32, 1)
    image[:, 16:] = 1
    weight = torch.zeros(32, 32, 1)
    weight[12:20, 4:10] = 1
    weight[12:20, 22:28] = 1
    filled = fill(image, weight)
    assert filled[15, 2] < 0.1
    assert filled[15, 30] > 0.9
    assert 0.2 < filled[15, 16] < 0.8
    assert filled.min() >= -1e-6
    assert filled.max() <= 1 + 1e-6


def test_little_weight_means_little_say() -> None:
    image = torch.zeros(16, 16, 1)
    image[8, 8] = 1.0
    weight = torch.ones(16, 16, 1)
    values = []
    for share in (0.0, 0.25, 0.5, 1.0):
        weight[8, 8] = share
        values.append(float(fill(image, weight)[8, 8]))
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values[-1] == pytest.approx(1)
    assert values == sorted(values)


def test_reduced_images_do_not_see_what_was_missing() -> None:
    """A disc on garbage: after filling, halving twice leaves its border pixels as its inside would have it."""
    inside = disc(64, 64, 20)
    image = torch.where(inside > 0, torch.tensor(0.7), noise(64, 64, 3) * 0 + 5.0)
    filled = fill(image, inside)
    for k in (2, 4, 8):
        reduced = filled.reshape(64 // k, k, 64 // k, k, 3).mean((1, 3))
        touched = inside.reshape(64 // k, k, 64 // k, k, 1).mean((1, 3))[..., 0] > 0
        torch.testing.assert_close(
            reduced[touched], torch.full_like(reduced[touched], 0.7), atol=1e-5, rtol=0
        )


def test_doubles_stay_doubles() -> None:
    assert fill(noise(8, 8, 3).double(), disc(8, 8, 3)).dtype == torch.float64
