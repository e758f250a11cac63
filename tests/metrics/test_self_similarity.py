"""Self-similarity of places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nst3d.metrics.self_similarity import self_similarity_distance


class Cells:
    """An encoder whose only layer is the mean colours of 4 x 4 cells."""

    unit = 1.0

    def __call__(self, image, layers):
        return {layer: F.avg_pool2d(image[None], 4)[0] for layer in layers}

    def stride(self, layer: str) -> int:
        return 4

    def own(self, layers) -> tuple[str, ...]:
        return ("cells",)


def picture(seed: int, size: int = 32) -> np.ndarray:
    cells = np.random.default_rng(seed).random((size // 4, size // 4, 3), np.float32)
    return np.kron(cells, np.ones((4, 4, 1), np.float32))


def distance(painting, content, mask=None):
    return self_similarity_distance(Cells(), painting, content, mask)


def test_the_same_places_are_alike_after_any_turn_of_colours() -> None:
    own = picture(0)
    assert distance(own, own) == 0
    turned = own @ np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0].astype(np.float32)
    assert distance(turned, own) == pytest.approx(0, abs=1e-4)
    assert distance(0.3 * own, own) == pytest.approx(0, abs=1e-4)


def test_two_kinds_of_places_that_become_one() -> None:
    """With half of the cells red and half green, each column is 0 for its own kind and 2 / n for the other."""
    own = np.zeros((8, 8, 3), np.float32)
    own[:, :4, 0] = own[:, 4:, 1] = 1
    crossed = np.zeros_like(own)
    crossed[:4, :, 0] = crossed[4:, :, 1] = 1
    # Of four cells, a column is (0, 0, ½, ½) against (0, ½, 0, ½).
    assert distance(crossed, own) == pytest.approx(1)
    flat = np.full_like(own, 0.5)
    assert distance(flat, own) == pytest.approx(1)


def test_more_noise_is_farther_and_both_ways_are_the_same() -> None:
    own, noise = picture(0), picture(1) - 0.5
    found = [distance(own + level * noise, own) for level in (0, 0.1, 0.3, 0.6, 1)]
    assert found == sorted(found)
    assert 0.05 < found[-1] < 2
    assert distance(picture(1), own) == pytest.approx(distance(own, picture(1)))


def test_only_what_the_mask_covers_counts() -> None:
    own, spoilt, mask = picture(0), picture(0), np.zeros((32, 32), np.float32)
    mask[:, :16] = 1
    spoilt[:, 16:] = picture(1)[:, 16:]
    assert distance(spoilt, own, mask) == 0
    assert distance(spoilt, own) > 0.1
    assert distance(own, own, 0 * mask) is None
    with pytest.raises(ValueError, match="cannot be compared"):
        distance(own, own[:16])


def test_many_places_are_sampled_evenly() -> None:
    own, other = picture(0, 256), picture(1, 256)
    assert distance(own, own) == 0
    assert distance(other, own) == pytest.approx(distance(picture(2, 256), picture(3, 256)), rel=0.1)


def test_the_layers_can_be_chosen() -> None:
    own = picture(0)
    found = self_similarity_distance(Cells(), picture(1), own, layers=("one", "other"))
    assert found == pytest.approx(distance(picture(1), own))
    assert isinstance(found, float)
    assert not torch.is_tensor(found)
