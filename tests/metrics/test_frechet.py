"""Fréchet distances: known answers of Gaussians, and FID, ArtFID and SIFID of pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nst3d.features.inception import INCEPTIONS, Inception
from nst3d.metrics.frechet import (
    art_fid,
    fid,
    frechet_distance,
    gaussian,
    gaussian_of,
    inception_activations,
    sifid,
)


def rows(count: int, channels: int = 6, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return draw.standard_normal((count, channels)) @ draw.standard_normal((channels, channels))


def root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


@pytest.fixture(scope="module")
def network() -> Inception:
    """With random weights, scaled so that features neither vanish nor explode."""
    draw = torch.Generator().manual_seed(2)
    found = Inception(INCEPTIONS["inception-torchvision"], "random").eval().requires_grad_(False)
    for name, weight in found.named_parameters():
        if name.endswith("conv.weight"):
            weight.copy_(torch.randn(weight.shape, generator=draw) * (2 / weight[0].numel()) ** 0.5)
    return found


def picture(seed: int, size: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).random((size, size, 3), np.float32)


def test_gaussians_on_a_line() -> None:
    """(μ₁ - μ₂)² + (σ₁ - σ₂)²."""
    one, other = (
        gaussian_of(np.array([1.0]), np.array([[4.0]])),
        gaussian_of(np.array([-2.0]), np.array([[25.0]])),
    )
    assert frechet_distance(one, other) == pytest.approx(9 + 9)


def test_covariances_that_do_not_commute() -> None:
    """Against the textbook's formula with symmetric roots."""
    one, other = np.cov(rows(50).T), np.cov(rows(50, seed=1).T)
    middle = root(root(one) @ other @ root(one))
    wanted = np.trace(one) + np.trace(other) - 2 * np.trace(middle)
    found = frechet_distance(gaussian_of(np.zeros(6), one), gaussian_of(np.zeros(6), other))
    assert found == pytest.approx(wanted, rel=1e-9)
    assert wanted > 1


def test_rows_and_their_covariance_are_the_same_gaussian() -> None:
    many, few = rows(40), rows(4, seed=1)  # more and fewer than channels
    for own in (many, few):
        same = gaussian_of(own.mean(0), np.cov(own.T))
        assert frechet_distance(gaussian(own), same) == pytest.approx(0, abs=1e-6)
        assert gaussian(own).variance == pytest.approx(np.trace(np.cov(own.T)))
    stated = [gaussian_of(own.mean(0), np.cov(own.T)) for own in (many, few)]
    assert fid(many, few) == pytest.approx(frechet_distance(*stated), rel=1e-6)


def test_a_set_is_0_from_itself_in_any_order() -> None:
    own = rows(30, 2048)
    assert fid(own, own) == pytest.approx(0, abs=1e-9 * np.square(own).sum())
    assert fid(own, own[::-1]) == pytest.approx(0, abs=1e-9 * np.square(own).sum())


def test_a_shift_counts_squared_and_both_ways_are_the_same() -> None:
    own, other = rows(30), rows(20, seed=1)
    assert fid(own + 2, own) == pytest.approx(4 * 6)
    assert fid(3 * own, own) == pytest.approx(4 * (np.trace(np.cov(own.T)) + np.square(own.mean(0)).sum()))
    assert fid(own, other) == pytest.approx(fid(other, own))


def test_what_has_no_distance() -> None:
    with pytest.raises(ValueError, match="two rows"):
        fid(rows(1), rows(5))
    with pytest.raises(ValueError, match="finite"):
        fid(rows(5) * np.nan, rows(5))
    with pytest.raises(ValueError, match="dimensions"):
        fid(rows(5, 3), rows(5, 4))
    with pytest.raises(ValueError, match="0 or more"):
        art_fid(-0.1, 1)


def test_art_fid_is_a_product() -> None:
    assert art_fid(0, 0) == 1
    assert art_fid(0.5, 29) == pytest.approx(45)


def test_pictures_are_as_far_as_their_activations(network: Inception) -> None:
    pictures = [picture(seed) for seed in range(3)]
    found = inception_activations(network, pictures)
    assert found.shape == (3, 2048)
    assert fid(found, found) == pytest.approx(0, abs=1e-9)
    dark = inception_activations(network, [each * 0.5 for each in pictures])
    darker = inception_activations(network, [each * 0.2 for each in pictures])
    assert 0 < fid(found, dark) < fid(found, darker)
    with pytest.raises(ValueError, match="no pictures"):
        inception_activations(network, [])


def test_sifid_knows_statistics_and_not_places(network: Inception) -> None:
    own = picture(0, 64)
    assert sifid(network, own, own) == pytest.approx(0, abs=1e-6)
    other = picture(1, 80)  # the same noise at other places
    smooth = sum(np.roll(own, (y, x), (0, 1)) for y in range(3) for x in range(3)) / 9
    assert sifid(network, own, other) < 0.2 * sifid(network, own, smooth)


def test_sifid_leaves_out_what_no_mask_covers(network: Inception) -> None:
    own, mask = picture(0, 64), np.zeros((64, 64), np.float32)
    mask[:, :32] = 1
    spoilt = own.copy()
    spoilt[:, 40:] = 1  # beyond what features at the mask's border see
    inside = sifid(network, spoilt, own, (mask, mask))
    assert inside < 0.05 * sifid(network, spoilt, own)
    with pytest.raises(ValueError, match="two rows"):
        sifid(network, own, own, (0 * mask, None))
