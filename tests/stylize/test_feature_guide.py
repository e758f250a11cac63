from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.losses import (
    IMAGE,
    ContentLoss,
    GramLoss,
    MomentsLoss,
    NNFMLoss,
    TotalVariationLoss,
    mean_gram,
    moments,
)
from nst3d.stylize.feature_guide import FeatureGuide, Viewing, WeightedLoss
from nst3d.stylize.look import Look

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


def losses() -> dict[str, WeightedLoss]:
    style = Cells()(noise(3, 24, 24, seed=9), [LAYER])
    return {
        "gram": WeightedLoss(GramLoss({LAYER: mean_gram(style[LAYER])}, normalise="gatys")),
        "moments": WeightedLoss(MomentsLoss({LAYER: moments(style[LAYER])}, normalise="gatys")),
        "nnfm": WeightedLoss(NNFMLoss(style)),
        "variation": WeightedLoss(TotalVariationLoss()),
    }


def guide(**fields) -> FeatureGuide:
    return FeatureGuide(Cells(), losses(), Viewing(GREY, **fields))


def observed(
    image: torch.Tensor, coverage: torch.Tensor, view: int, judge: FeatureGuide | None = None, **fields
):
    return (judge or guide(**fields)).observe(Look(image, coverage, view))


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
        total, parts = guide().judge(Look(image, coverage))
        total.backward()
        values.append((float(total.detach()), parts))
        assert image.grad[:, :, 12:].abs().max() == 0
        assert image.grad[:, :, :12].abs().max() > 0
    assert values[0] == values[1] == values[2]
    assert set(values[0][1]) == {"gram", "moments", "nnfm", "variation"}


def test_masks_leave_out_cells_that_are_mostly_background() -> None:
    coverage = torch.zeros(16, 24)
    coverage[:, :11] = 1  # the third column of cells is covered by three quarters
    masks = observed(noise(3, 16, 24), coverage, 0).masks
    assert torch.equal(masks[IMAGE], coverage)
    assert torch.equal(masks[LAYER], torch.tensor([1.0, 1, 1, 0, 0, 0]).expand(4, 6))
    strict = observed(noise(3, 16, 24), coverage, 0, threshold=0.8).masks
    assert torch.equal(strict[LAYER], torch.tensor([1.0, 1, 0, 0, 0, 0]).expand(4, 6))


def test_a_full_view_needs_no_masks() -> None:
    assert observed(noise(3, 16, 24), torch.ones(16, 24), 0).masks == {}


def test_slivers_count_where_they_show_most() -> None:
    coverage = torch.zeros(16, 24)
    coverage[5, 9:12] = 1.0
    coverage[9, 1] = 1.0
    mask = observed(noise(3, 16, 24), coverage, 0).masks[LAYER]
    assert mask.sum() == 1
    assert mask[1, 2] == 1


def test_an_empty_view_gives_a_finite_loss() -> None:
    image = noise(3, 16, 24).requires_grad_()
    total, _ = guide().judge(Look(image, torch.zeros(16, 24)))
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(image.grad).all()


def test_masks_are_made_once_a_view() -> None:
    judge = guide()
    first = observed(noise(3, 16, 24), left_half(), 3, judge).masks
    assert observed(noise(3, 16, 24), left_half(), 3, judge).masks is first
    assert observed(noise(3, 16, 24), 1 - left_half(), 4, judge).masks is not first


def test_reduced_renders_have_masks_of_the_reduced_cells() -> None:
    observation = observed(noise(3, 16, 24), left_half(), 0, reduce=2)
    assert observation.features[LAYER].shape == (6, 2, 3)
    assert observation.features[IMAGE].shape == (3, 16, 24)
    assert observation.masks[LAYER].shape == (2, 3)
    assert observation.masks[LAYER][:, 0].tolist() == [1, 1]
    assert observation.masks[LAYER][:, 2].tolist() == [0, 0]


@pytest.mark.parametrize("size", [(17, 26), (19, 24)])
def test_masks_fit_their_features_at_any_size(size) -> None:
    observation = observed(noise(3, *size), left_half(*size), 0)
    assert observation.masks[LAYER].shape == observation.features[LAYER].shape[1:]


def test_parts_add_up() -> None:
    judge = guide()
    total, parts = judge.judge(Look(noise(3, 16, 24), left_half(), 5))
    assert float(total) == pytest.approx(sum(parts.values()))
    assert torch.equal(judge.background, GREY)


def test_sum_and_parts_by_hand() -> None:
    picture = torch.tensor([[[0.0, 2.0]]], requires_grad=True)
    content = ContentLoss({0: {IMAGE: torch.zeros(1, 1, 2)}}, (IMAGE,), normalise="gatys")
    terms = {"content": WeightedLoss(content, 0.5), "smooth": WeightedLoss(TotalVariationLoss(), 3.0)}
    total, parts = FeatureGuide(None, terms, Viewing(GREY)).judge(Look(picture, torch.ones(1, 2)))
    assert parts == {"content": 1.0, "smooth": 12.0}
    assert total == 13
    total.backward()
    assert picture.grad.tolist() == [[[-12.0, 13.0]]]


def test_terms_of_weight_zero_are_not_computed() -> None:
    blind = WeightedLoss(ContentLoss({}, (LAYER,)), 0.0)  # would fail: it has no target
    smooth = WeightedLoss(TotalVariationLoss())
    judge = FeatureGuide(None, {"content": blind, "smooth": smooth}, Viewing(GREY))
    assert list(judge.judge(Look(noise(3, 4, 4), torch.ones(4, 4)))[1]) == ["smooth"]
    with pytest.raises(ConfigError, match="nothing to optimise"):
        FeatureGuide(None, {"content": blind}, Viewing(GREY))


def test_a_schedule_scales_a_term_over_the_run() -> None:
    fading = WeightedLoss(TotalVariationLoss(), 2.0, schedule=((0.25, 1.0), (0.75, 0.0)))
    judge = FeatureGuide(None, {"smooth": fading, "rest": WeightedLoss(TotalVariationLoss())}, Viewing(GREY))
    image, opaque = noise(3, 8, 8), torch.ones(8, 8)
    whole = judge.judge(Look(image, opaque))[1]["smooth"]
    found = [judge.judge(Look(image, opaque, share=s))[1].get("smooth", 0.0) for s in (0, 0.25, 0.5, 0.75, 1)]
    assert found == pytest.approx([whole, whole, whole / 2, 0, 0])


def test_a_region_says_where_a_term_counts() -> None:
    """Outside the region the term gives no gradient, and the whole view as region changes nothing."""
    opaque, region = torch.ones(16, 24), left_half()
    for name, mask in (("half", region), ("all", opaque)):
        terms = {"gram": WeightedLoss(losses()["gram"].loss, region=name)}
        image = noise(3, 16, 24).requires_grad_()
        judge = FeatureGuide(Cells(), terms, Viewing(GREY))
        total, _ = judge.judge(Look(image, opaque, regions={name: mask.double()}))
        total.backward()
        plain = FeatureGuide(Cells(), {"gram": losses()["gram"]}, Viewing(GREY))
        assert total == plain.judge(Look(image, mask))[0]
        assert (image.grad[:, :, 12:].abs().max() == 0) == (name == "half")
