"""Identities of the maps between features' statistics."""

from __future__ import annotations

import pytest
import torch

from nst3d.networks.transport import Statistics, adain, blended, monge_map, pooled_statistics


def features(seed: int, channels: int = 6, size: tuple[int, int] = (30, 41)) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    mix = torch.randn(channels, channels, generator=draw, dtype=torch.float64)
    flat = torch.randn(channels, size[0] * size[1], generator=draw, dtype=torch.float64).exp()
    return (mix @ flat).reshape(channels, *size)


def of(values: torch.Tensor) -> Statistics:
    rows = values.flatten(1)
    mean = rows.mean(1)
    centred = rows - mean[:, None]
    return Statistics(mean, centred @ centred.T / rows.shape[1])


def test_statistics_are_those_of_all_views_together() -> None:
    views = [features(0).float(), features(1, size=(16, 9)).float()]
    found = pooled_statistics([(view, None) for view in views])
    together = of(torch.cat([view.flatten(1) for view in views], 1)[..., None].double())
    torch.testing.assert_close(found.mean, together.mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.covariance, together.covariance, rtol=1e-4, atol=1e-4)


def test_what_a_mask_covers_is_left_out() -> None:
    view = features(0, size=(8, 8)).float()
    mask = torch.zeros(16, 16)
    mask[:8] = 1  # two pixels a position
    spoilt = view.clone()
    spoilt[:, 4:] = 1e3
    found, wanted = pooled_statistics([(spoilt, mask)]), of(view[:, :4].double())
    torch.testing.assert_close(found.covariance, wanted.covariance, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="no position"):
        pooled_statistics([(view, torch.zeros(8, 8))])


def test_the_monge_map_takes_covariance_to_covariance() -> None:
    content, style = features(0), features(1)
    moved = of(monge_map(of(content), of(style), floor=0)(content))
    torch.testing.assert_close(moved.mean, of(style).mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(moved.covariance, of(style).covariance, rtol=1e-4, atol=1e-4)


def test_the_monge_map_moves_least() -> None:
    content, style = of(features(0)), of(features(1))
    matrix = monge_map(content, style, floor=0).matrix
    torch.testing.assert_close(matrix, matrix.T, rtol=1e-6, atol=1e-8)  # the gradient of a potential …
    assert bool((torch.linalg.eigvalsh(matrix) > 0).all())  # … that is convex


def test_equal_statistics_map_to_themselves() -> None:
    content = features(0)
    for make in (monge_map, adain):
        torch.testing.assert_close(make(of(content), of(content))(content), content, rtol=1e-6, atol=1e-6)


def test_adain_gives_each_channel_the_styles_moments() -> None:
    moved = of(adain(of(features(0)), of(features(1)), floor=0)(features(0)))
    torch.testing.assert_close(moved.mean, of(features(1)).mean, rtol=1e-4, atol=1e-4)
    wanted = of(features(1)).covariance.diagonal().sqrt()
    torch.testing.assert_close(moved.covariance.diagonal().sqrt(), wanted, rtol=1e-4, atol=1e-4)


def test_a_flat_scene_stays_finite() -> None:
    flat = torch.full((6, 8, 8), 0.3, dtype=torch.float64)
    moved = monge_map(of(flat), of(features(1)))(flat)
    torch.testing.assert_close(moved.flatten(1).mean(1), of(features(1)).mean, rtol=1e-4, atol=1e-4)


def test_styles_mix_like_the_parts_of_one_picture() -> None:
    one, other = features(0), features(1)
    mixed = blended([of(one), of(other)], [2, 1])
    both = of(torch.cat([one.flatten(1), one.flatten(1), other.flatten(1)], 1)[..., None])
    torch.testing.assert_close(mixed.mean, both.mean)
    torch.testing.assert_close(mixed.covariance, both.covariance)
