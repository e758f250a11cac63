"""Clusters of features."""

from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.selectors.cluster import (
    cluster_scores,
    deep_places,
    k_means,
    read_cluster,
)
from nst3d.stylize.layout import Layout
from nst3d.stylize.picture_stage import picture_stage
from nst3d.tensors import ImageSize


def test_k_means_finds_what_lies_apart_and_the_same_each_time() -> None:
    generator = torch.Generator().manual_seed(3)
    middles = torch.tensor([[0.0, 0], [5, 0], [0, 5]])
    points = torch.cat([middle + 0.1 * torch.randn(40, 2, generator=generator) for middle in middles])
    found = k_means(points, 3)
    assert torch.equal(found, k_means(points, 3))
    assert torch.cdist(found, middles).amin(0).max() < 0.1
    assert k_means(torch.ones(5, 2), 3).shape == (3, 2)


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "1/1", "1/21", "a/b", "1/2/3", "-1/3"])
def test_what_is_no_cluster(text) -> None:
    with pytest.raises(ConfigError, match="expected cluster:K/N, the K-th of N clusters"):
        read_cluster(text)
    assert read_cluster(" 2 / 5") == (2, 5)


class Colours:
    """An encoder whose features are the mean colours of tiles of 8 × 8 pixels."""

    def __call__(self, image, layers):
        return {layer: torch.nn.functional.avg_pool2d(image[None], 8)[0] for layer in layers}

    def stride(self, layer):
        return 8


def stage(picture: torch.Tensor):
    layout = Layout.of_images([ImageSize(*picture.shape[:2])])
    return picture_stage(picture.reshape(-1, 3), layout, 1.0)


def test_clusters_are_of_like_features_the_largest_first() -> None:
    picture = torch.zeros(48, 64, 3)
    picture[:, :40] = torch.tensor([1.0, 0, 0])
    picture[:, 40:] = torch.tensor([0.0, 0, 1])
    shown = stage(picture)
    scores = cluster_scores(shown, deep_places(shown, Colours()), 2)(0)
    assert scores.shape == (48, 64, 2)
    assert (scores.argmax(2) == (torch.arange(64) >= 40)).all()


def test_more_clusters_than_places() -> None:
    shown = stage(torch.rand(16, 16, 3))
    with pytest.raises(ConfigError, match="the views show fewer places than clusters"):
        cluster_scores(shown, deep_places(shown, Colours()), 5)
