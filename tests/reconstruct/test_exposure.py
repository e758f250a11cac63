"""Gains of photographs from the colours of their rays."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.reconstruct.exposure import Exposures


def seen(gains: np.ndarray, steps: int = 60) -> Exposures:
    """What is learned from rays of photographs with gains (n, 3), and noise."""
    rng, exposures = np.random.default_rng(0), Exposures(len(gains))
    for _ in range(steps):
        owners = rng.integers(0, len(gains), 2000)
        shown = rng.random((2000, 3))
        exposures.learn(owners, shown, shown * gains[owners] + rng.normal(0, 0.05, shown.shape))
    return exposures


def test_gains_are_found_up_to_their_mean() -> None:
    gains = np.array([[0.7, 0.8, 1.0], [1.0, 1.0, 1.0], [1.3, 1.2, 1.0]])
    np.testing.assert_allclose(seen(gains).gains(), gains, atol=0.01)
    np.testing.assert_allclose(seen(1.5 * gains).gains(), gains, atol=0.01)


def test_photographs_with_few_rays_count_as_exposed_like_the_others() -> None:
    exposures = Exposures(2)
    np.testing.assert_array_equal(exposures.gains(), 1)
    exposures.learn(np.zeros(5, int), np.full((5, 3), 0.2), np.full((5, 3), 0.8))
    np.testing.assert_allclose(exposures.gains(), 1, atol=0.02)


def test_stored_colours_are_brought_to_the_fields() -> None:
    exposures = seen(np.array([[0.5] * 3, [1.5] * 3]))
    found = exposures.undone(np.array([0, 1]), np.array([[0.25] * 3, [0.75] * 3], np.float32))
    assert found.dtype == np.float32
    assert found == pytest.approx(np.full((2, 3), 0.5), abs=0.01)
