from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nst3d.losses import (
    IMAGE,
    GramLoss,
    MomentsLoss,
    NNFMLoss,
    TotalVariationLoss,
    WeightedSum,
    mean_gram,
    moments,
)
from nst3d.stylize.criterion import Criterion, Viewing

GREY = torch.full((3,), 0.5, dtype=torch.float64)
LAYER = "cells"


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Cells:
    """An encoder that looks at cells of 4 × 4 pixels alone: their means, and the means' squares."""

    def __call__(self, image, layers):
        means = F.avg_pool2d(image[None], 4)[0]
        return {LAYER: torch.cat([means, means.square()])}

    def stride(self, layer):
        return 4


def losses() -> WeightedSum:
    style = Cells()(noise(3, 24, 24, seed=9), [LAYER])
    return WeightedSum(
        {
            "gram": (1.0, GramLoss({LAYER: mean_gram(style[LAYER])})),
            "moments": (1.0, MomentsLoss({LAYER: moments(style[LAYER])})),
            "nnfm": (1.0, NNFMLoss(style)),
            "variation": (1.0, TotalVariationLoss()),
        }
    )


def criterion(**fields) -> Criterion:
    return Criterion(Cells(), losses(), Viewing(GREY, **fields))


def left_half(height: int = 16, width: int = 24) -> torch.Tensor:
    coverage = torch.zeros(height, width)
    coverage[:, : width // 2] = 1
    return coverage


def test_the_background_has_no_say() -> None:
    """Two very different backgrounds give exactly the same losses, and get no gradient."""
    scene, coverage = noise(3, 16, 24), left_half()
    values = []
    for background in (torch.zeros(3, 16, 24), noise(3, 16, 24, seed=1) * 3, torch.full((3, 16, 24), 0.9)):
        image = torch.where(coverage > 0, scene, background.double()).requires_grad_()
        total, parts = criterion()(image, coverage, 0)
        total.backward()
        values.append((float(total.detach()), parts))
        assert image.grad[:, :, 12:].abs().max() == 0
        assert image.grad[:, :, :12].abs().max() > 0
    assert values[0] == values[1] == values[2]
    assert set(values[0][1]) == {"gram", "moments", "nnfm", "variation"}


def test_masks_leave_out_cells_that_are_mostly_background() -> None:
    coverage = torch.zeros(16, 24)
    coverage[:, :11] = 1  # the third column of cells is covered by three quarters
    masks = criterion().observe(noise(3, 16, 24), coverage, 0).masks
    assert torch.equal(masks[IMAGE], coverage)
    assert torch.equal(masks[LAYER], torch.tensor([1.0, 1, 1, 0, 0, 0]).expand(4, 6))
    strict = criterion(threshold=0.8).observe(noise(3, 16, 24), coverage, 0).masks
    assert torch.equal(strict[LAYER], torch.tensor([1.0, 1, 0, 0, 0, 0]).expand(4, 6))


def test_a_full_view_needs_no_masks() -> None:
    assert criterion().observe(noise(3, 16, 24), torch.ones(16, 24), 0).masks == {}


def test_slivers_count_where_they_show_most() -> None:
    coverage = torch.zeros(16, 24)
    coverage[5, 9:12] = 1.0
    coverage[9, 1] = 1.0
    mask = criterion().observe(noise(3, 16, 24), coverage, 0).masks[LAYER]
    assert mask.sum() == 1
    assert mask[1, 2] == 1


def test_an_empty_view_gives_a_finite_loss() -> None:
    image = noise(3, 16, 24).requires_grad_()
    total, _ = criterion()(image, torch.zeros(16, 24), 0)
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(image.grad).all()


def test_masks_are_made_once_a_view() -> None:
    judge = criterion()
    first = judge.observe(noise(3, 16, 24), left_half(), 3).masks
    assert judge.observe(noise(3, 16, 24), left_half(), 3).masks is first
    assert judge.observe(noise(3, 16, 24), 1 - left_half(), 4).masks is not first


def test_reduced_renders_have_masks_of_the_reduced_cells() -> None:
    observation = criterion(reduce=2).observe(noise(3, 16, 24), left_half(), 0)
    assert observation.features[LAYER].shape == (6, 2, 3)
    assert observation.features[IMAGE].shape == (3, 16, 24)
    assert observation.masks[LAYER].shape == (2, 3)
    assert observation.masks[LAYER][:, 0].tolist() == [1, 1]
    assert observation.masks[LAYER][:, 2].tolist() == [0, 0]


@pytest.mark.parametrize("size", [(17, 26), (19, 24)])
def test_masks_fit_their_features_at_any_size(size) -> None:
    observation = criterion().observe(noise(3, *size), left_half(*size), 0)
    assert observation.masks[LAYER].shape == observation.features[LAYER].shape[1:]


def test_parts_add_up_and_observations_are_remembered() -> None:
    heard = []
    judge = Criterion(Cells(), losses(), Viewing(GREY), heard.append)
    total, parts = judge(noise(3, 16, 24), left_half(), 5)
    assert float(total) == pytest.approx(sum(parts.values()))
    assert [o.view for o in heard] == [5]
    assert torch.equal(judge.background, GREY)
