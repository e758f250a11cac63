"""Edges that are kept, moved, blurred and made up."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.metrics.edges import edge_score
from nst3d.metrics.gaussian import blurred


def discs(size: int = 96) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    grey = 0.2 + 0.5 * (np.hypot(x - 40, y - 45) < 25) + 0.2 * (np.hypot(x - 75, y - 75) < 12)
    return np.repeat(grey[..., None], 3, 2).astype(np.float32)


def noise(level: float, size: int = 96) -> np.ndarray:
    return (level * np.random.default_rng(0).standard_normal((size, size, 3))).astype(np.float32)


def test_the_content_itself_scores_1_in_any_colours() -> None:
    own = discs()
    assert edge_score(own, own) == (1, 1, 1)
    tinted = own * np.array([1.3, 1, 0.8], np.float32)
    assert edge_score(tinted, own).f_score > 0.95
    assert edge_score(1 - own, own).f_score == 1  # which side is darker does not count


def test_a_pixel_is_near_and_three_are_not() -> None:
    own = np.zeros((64, 64, 3), np.float32)
    own[:, 30:] = 0.8
    assert edge_score(np.roll(own, 1, 1)[:, 2:], own[:, 2:]) == (1, 1, 1)
    assert edge_score(np.roll(own, 3, 1)[:, 4:], own[:, 4:]).f_score == 0
    assert edge_score(np.roll(own, 3, 1)[:, 4:], own[:, 4:], tolerance=3).f_score == 1


def test_half_of_the_edges() -> None:
    own, half = np.zeros((80, 80, 3), np.float32), np.zeros((80, 80, 3), np.float32)
    own[:, 20:40] = 0.8
    half[:, 20:] = 0.8
    found = edge_score(half, own)
    assert found == pytest.approx((2 / 3, 1, 0.5), abs=0.01)
    assert edge_score(own, half) == pytest.approx((2 / 3, 0.5, 1), abs=0.01)


def test_blur_loses_edges_and_noise_adds_some() -> None:
    own = discs()
    soft = [edge_score(blurred(own, sigma), own) for sigma in (0.5, 3, 6, 12)]
    assert [s.recall for s in soft] == sorted((s.recall for s in soft), reverse=True)
    assert soft[0].f_score > 0.95 > 0.2 > soft[-1].f_score
    rough = [edge_score(own + noise(level), own) for level in (0.02, 0.15, 0.3, 0.5)]
    assert [s.precision for s in rough] == sorted((s.precision for s in rough), reverse=True)
    assert rough[0].f_score > 0.95 > 0.5 > rough[-1].f_score


def test_flat_and_unrelated_paintings() -> None:
    own = discs()
    assert edge_score(np.full_like(own, 0.5), own) == (0, 0, 0)
    assert edge_score(own[::-1, ::-1], own).f_score < 0.5


def test_only_edges_in_the_mask_count() -> None:
    own, mask = discs(), np.zeros((96, 96), np.float32)
    mask[:, :48] = 1
    spoilt = own.copy()
    spoilt[:, 60:] += noise(0.5)[:, 60:]
    assert edge_score(spoilt, own, mask) == (1, 1, 1)
    assert edge_score(spoilt, own).f_score < 0.8
    assert edge_score(own, own, 0 * mask) is None


def test_content_without_edges_and_other_sizes() -> None:
    flat = np.full((40, 40, 3), 0.5, np.float32)
    assert edge_score(discs(40), flat) is None
    with pytest.raises(ValueError, match="cannot be compared"):
        edge_score(discs(40), discs(41))
