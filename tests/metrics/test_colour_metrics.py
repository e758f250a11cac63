"""Distances of colours."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nst3d.images.oklab import oklab
from nst3d.metrics.colour import BINS, colour_distance, uv_histogram, uv_histogram_distance

BOTH = [colour_distance, uv_histogram_distance]


def picture(seed: int = 0, height: int = 30, width: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.7, (height, width, 3)).astype(np.float32)


def flat(*colour: float) -> np.ndarray:
    return np.full((8, 8, 3), colour, np.float32)


def test_a_shift_is_as_far_as_it_is_long() -> None:
    shift = np.array([0.1, -0.05, 0.2], np.float32)
    found = colour_distance(picture() + shift, picture(), space="rgb")
    assert found == pytest.approx(np.linalg.norm(shift), rel=1e-5)


def test_flat_colours_are_as_far_as_in_oklab() -> None:
    one, other = (0.8, 0.1, 0.1), (0.1, 0.2, 0.7)
    apart = float((oklab(torch.tensor(one)) - oklab(torch.tensor(other))).norm())
    assert colour_distance(flat(*one), flat(*other)) == pytest.approx(apart, rel=1e-5)
    black_and_white = colour_distance(flat(0, 0, 0), flat(1, 1, 1))
    assert black_and_white == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("distance", BOTH)
def test_equal_colours_in_any_place_are_0_apart(distance) -> None:
    own = picture()
    assert distance(own, own) == pytest.approx(0, abs=1e-6)
    assert distance(own, own[::-1, ::-1]) == pytest.approx(0, abs=2e-3)
    assert distance(own, np.concatenate([own, own])) < 0.02


@pytest.mark.parametrize("distance", BOTH)
def test_more_of_another_colour_is_farther_and_both_ways_are_the_same(distance) -> None:
    own, far = picture(), []
    for share in (0.1, 0.3, 0.6, 1.0):
        tinted = own * (1 - share) + share * np.array([0.6, 0.3, 0.1], np.float32)
        far.append(distance(tinted, own))
        assert distance(own, tinted) == pytest.approx(far[-1], rel=1e-4)
    assert far == sorted(far)
    assert far[0] > 0.01


@pytest.mark.parametrize("distance", BOTH)
def test_only_what_masks_cover_counts(distance) -> None:
    own, mask = picture(), np.zeros((30, 40), np.float32)
    mask[:, :20] = 1
    spoilt = own.copy()
    spoilt[:, 20:] = (1, 0, 0)
    assert distance(spoilt, own, (mask, mask)) == pytest.approx(0, abs=1e-6)
    assert distance(spoilt, own) > 0.1
    with pytest.raises(ValueError, match="nothing counts"):
        distance(own, own, (None, 0 * mask))


def test_a_flat_colour_peaks_at_its_log_ratios() -> None:
    colour = np.array([0.8, 0.4, 0.2])
    found = uv_histogram(flat(*colour))
    assert found.shape == (3, BINS, BINS)
    assert found.sum() == pytest.approx(1)
    bins = np.linspace(-3, 3, BINS)
    for channel, (first, second) in enumerate([(1, 2), (0, 2), (0, 1)]):
        peak = np.unravel_index(found[channel].argmax(), (BINS, BINS))
        wanted = np.log(colour[channel] / colour[[first, second]])
        assert np.abs(bins[list(peak)] - wanted).max() <= 0.5 * (bins[1] - bins[0]) + 1e-6


def test_brightness_alone_does_not_move_the_histogram() -> None:
    own = picture()
    assert uv_histogram_distance(0.5 * own, own) < 1e-3 < uv_histogram_distance(own[..., ::-1] ** 2, own)


def test_far_colours_are_almost_1_apart_in_the_histogram() -> None:
    found = uv_histogram_distance(flat(0.9, 0.1, 0.1), flat(0.1, 0.1, 0.9))
    assert 0.8 < found <= 1
    assert np.isfinite(uv_histogram_distance(flat(0, 0, 0), flat(1, 1, 1)))
