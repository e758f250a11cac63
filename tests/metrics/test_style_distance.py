"""Identities of distances between styles."""

from __future__ import annotations

import pytest
import torch

from nst3d.metrics.style import (
    StyleJudge,
    gram_distance,
    layer_distances,
    moment_distance,
    sliced_wasserstein,
    style_distance,
)


def rows(count: int, channels: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, channels, generator=torch.Generator().manual_seed(seed)).double()


class Blocks:
    """An encoder whose layers are the picture and its 2 x 2 means."""

    unit = 1.0

    def __call__(self, image, layers):
        found = {"image": image, "half": torch.nn.functional.avg_pool2d(image[None], 2)[0]}
        return {layer: found[layer] for layer in layers}

    def stride(self, layer: str) -> int:
        return {"image": 1, "half": 2}[layer]


LAYERS = ("image", "half")


def distance(pictures, styles):
    return style_distance(Blocks(), pictures, styles, LAYERS)


def picture(seed: int, height: int = 12, width: int = 16) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def test_a_shift_is_as_far_as_it_is_long() -> None:
    shift = torch.tensor([0.3, -1.0, 0.0, 2.0, 0.5], dtype=torch.float64)
    found = sliced_wasserstein(rows(200), rows(200) + shift)
    assert found == pytest.approx(float(shift.norm()) / 5**0.5, rel=1e-9)


def test_scaling_moves_each_row_by_its_own_length() -> None:
    """The optimal plan of a scaling keeps the order of each slice, so the distance is that of the rows themselves."""
    found = sliced_wasserstein(rows(300), 2.5 * rows(300))
    assert found == pytest.approx(1.5 * float(rows(300).square().mean().sqrt()), rel=1e-9)


def test_order_does_not_count_and_both_ways_are_the_same() -> None:
    one, other = rows(100), rows(70, seed=1)
    assert sliced_wasserstein(one, one.flip(0)) == pytest.approx(0, abs=1e-12)
    assert sliced_wasserstein(one, other) == pytest.approx(sliced_wasserstein(other, one))
    assert sliced_wasserstein(one, torch.cat([one, one])) < 0.1 < sliced_wasserstein(one, one + 1)


def test_gram_distance_of_scaled_rows() -> None:
    assert gram_distance(2 * rows(50), rows(50)) == pytest.approx(3)
    assert gram_distance(rows(50), rows(50).repeat(3, 1)) == pytest.approx(0, abs=1e-9)


def test_moment_distance_of_scaled_and_shifted_rows() -> None:
    own = rows(50)
    assert moment_distance(2 * own, own) == pytest.approx(1)
    assert moment_distance(own, own.flip(0)) == pytest.approx(0, abs=1e-9)
    assert moment_distance(own - own.mean(0), own) == pytest.approx(
        float(own.mean(0).norm() / torch.cat([own.mean(0), own.std(0, correction=0)]).norm())
    )


def test_layers_are_apart_and_their_means_are_the_style_distance() -> None:
    mine, style = [(picture(0), None)], [(picture(1) * 0.7, None)]
    found = layer_distances(Blocks(), mine, style, LAYERS)
    assert tuple(found) == LAYERS
    for kind in ("gram", "sliced"):
        mean = sum(getattr(each, kind) for each in found.values()) / 2
        assert getattr(distance(mine, style), kind) == pytest.approx(mean)
    assert all(each.moments > 0.1 for each in found.values())
    # Noise of another seed has the same moments but for its own scatter.
    same = layer_distances(Blocks(), [(picture(2, 64, 64), None)], [(picture(3, 64, 64), None)], LAYERS)
    assert max(each.moments for each in same.values()) < 0.02


def test_a_style_is_read_once_for_many_views() -> None:
    calls = []

    class Counting(Blocks):
        def __call__(self, image, layers):
            calls.append(image)
            return super().__call__(image, layers)

    judge = StyleJudge(Counting(), [(picture(9), None)], LAYERS)
    for seed in (0, 1):
        view = [(picture(seed), None)]
        assert judge.distances(view) == layer_distances(Blocks(), view, [(picture(9), None)], LAYERS)
    assert len(calls) == 3
    with pytest.raises(ValueError, match="nothing counts"):
        judge.distances([(picture(0), torch.zeros(12, 16))])


def test_the_style_itself_is_0_away_and_other_pictures_are_farther() -> None:
    style = picture(0)
    assert distance([(style, None)], [(style, None)]) == pytest.approx((0, 0), abs=1e-6)
    near = distance([(style * 0.9, None)], [(style, None)])
    far = distance([(style * 0.5, None)], [(style, None)])
    assert 0 < near.gram < far.gram
    assert 0 < near.sliced < far.sliced


def test_only_what_a_mask_covers_counts() -> None:
    style, mask = picture(0), torch.zeros(12, 16)
    mask[:, :8] = 1
    spoilt = torch.cat([style[..., :8], torch.ones(3, 12, 8)], 2)
    assert distance([(spoilt, mask)], [(style, mask)]) == pytest.approx((0, 0), abs=1e-6)
    assert distance([(spoilt, None)], [(style, mask)]).gram > 0.1
    with pytest.raises(ValueError, match="nothing counts"):
        distance([(style, torch.zeros(12, 16))], [(style, None)])
