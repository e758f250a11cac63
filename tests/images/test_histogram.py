from __future__ import annotations

import pytest
import torch

from nst3d.images.histogram import ColourLookup, match_histogram, sampled


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_quantiles_become_the_others() -> None:
    source, target = noise(4000, 3), noise(4000, 3, seed=1) ** 2 * 0.8
    moved = match_histogram(source, target).apply(source)
    for share in (0.1, 0.5, 0.9):
        torch.testing.assert_close(moved.quantile(share, 0), target.quantile(share, 0), atol=0.02, rtol=0)


def test_colours_like_the_targets_stay() -> None:
    source = noise(4000, 3) * 0.6 + 0.2
    moved = match_histogram(source, noise(4000, 3, seed=1) * 0.6 + 0.2).apply(source)
    assert (moved - source).abs().mean() < 0.01


def test_a_lookup_is_linear_between_nodes() -> None:
    axis = torch.linspace(0, 1, 3)
    red, green, blue = torch.meshgrid(axis, axis, axis, indexing="ij")
    lookup = ColourLookup(torch.stack([blue, 2 * red, green - red], dim=-1))
    colours = noise(5, 7, 3)
    r, g, b = colours.unbind(-1)
    torch.testing.assert_close(lookup.apply(colours), torch.stack([b, 2 * r, g - r], dim=-1))


def test_samples_follow_the_weights() -> None:
    colours = torch.tensor([[0.0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1], [0.2, 0, 0]])
    found = sampled(colours, torch.tensor([1.0, 0, 2, 1]))
    assert found[:, 0].tolist() == pytest.approx([0, 1, 1, 0.2])
    with pytest.raises(ValueError, match="weight above 0"):
        sampled(colours, torch.zeros(4))
