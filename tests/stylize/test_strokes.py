"""Strokes keep their size on the surface, and several sizes of a view count at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from random_vgg import random_vgg

from nst3d.features import VGG
from nst3d.losses import Correspondence, Observation
from nst3d.losses.gram import GramLoss, mean_gram
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.look import Look
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.strokes import Band, BandedLoss, stroke_bands
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term
from nst3d.tensors import Image

RECIPE = Recipe(
    terms=(
        Term("variation"),
        Term("gram", layers=("relu1_1", "relu2_1")),
        Term("nnfm", layers=("relu2_1",)),
        Term("content", layers=("relu2_1",)),
    ),
    style_scale=1.0,
)
BARE = RECIPE.with_terms({"content": 0.0})


@pytest.fixture(scope="module")
def encoder() -> VGG:
    return random_vgg()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


SMOOTH = F.interpolate(noise(1, 3, 6, 6, seed=1), (32, 32), mode="bilinear")[0]
STYLE = Style((Image(SMOOTH.permute(1, 2, 0)),))


def seen_at(*sizes: torch.Tensor | float, **fields) -> StageScene:
    """Views whose pixels have these sizes on the surface."""
    maps = [s if isinstance(s, torch.Tensor) else torch.full((4, 4), s) for s in sizes]
    content = fields.pop("content", lambda view: noise(3, 32, 32, seed=10 + view))
    fields = {"neighbours": lambda: [[]] * len(maps)} | fields
    return StageScene(len(maps), content, footprint=maps.__getitem__, **fields)


def scales(scene: StageScene) -> list[list[float]]:
    bands = stroke_bands(scene)
    assert bands is not None
    return [[band.scale for band in view] for view in bands]


def guide(scene: StageScene, encoder: VGG, recipe: Recipe = RECIPE, size: int = 32):
    viewing = Viewing(torch.full((3,), 0.5))
    return build_guide(recipe, encoder, StageInputs([Coat([STYLE])], scene, size, viewing))


def look(image: torch.Tensor, view: int = 0) -> Look:
    return Look(image, torch.ones(image.shape[1:]), view)


@pytest.mark.parametrize("unit", [1.0, 37.0])
def test_styles_grow_as_pixels_shrink_on_the_surface(unit: float) -> None:
    sizes = [0.5, 0.6, 0.75, 1.0, 1.0, 1.0, 1.5, 2.0, 3.2]
    for size, found in zip(sizes, scales(seen_at(*(s * unit for s in sizes)))):
        assert found[0] * size == pytest.approx(1, rel=0.1)


def test_views_that_are_about_alike_are_left_alone() -> None:
    assert stroke_bands(seen_at(1.0, 1.25)) is None
    assert stroke_bands(StageScene(2)) is None
    assert stroke_bands(seen_at(torch.full((4, 4), torch.nan))) is None
    assert stroke_bands(seen_at(1.0, 1.5)) is not None


def test_scales_have_limits() -> None:
    assert scales(seen_at(1.0, 0.01, 1.0, 100.0, 1.0)) == [[1.0], [2.0], [1.0], [0.25], [1.0]]


def test_near_and_far_parts_of_a_view_are_apart() -> None:
    deep = torch.ones(8, 8)
    deep[:, 4:] = 4.0
    deep[0] = torch.nan  # counts with what most of the view is
    bands = stroke_bands(seen_at(deep, 1.0, 0.7, 1.0, 1.0))
    assert bands is not None
    near, far = sorted(bands[0], key=lambda band: -band.scale)
    assert (near.scale, far.scale) == (1.0, 0.25)
    assert torch.equal(far.cells[1:], deep[1:] == 4)
    assert torch.equal(near.cells, ~far.cells)
    slivers = torch.ones(8, 8)
    slivers[:, :1], slivers[:4, 1:2] = 4.0, 16.0
    assert (
        scales(seen_at(slivers, 0.7, 1.0, 1.0))[0] == [1.0, 0.25]
        or len(scales(seen_at(slivers, 0.7, 1.0, 1.0))[0]) == 2
    )


def test_a_view_is_the_mean_of_its_bands_by_area() -> None:
    features = noise(5, 8, 8)
    left = torch.zeros(4, 4, dtype=torch.bool)
    left[:, :1] = True
    losses = {
        scale: GramLoss({"relu1_1": mean_gram(noise(5, 6, 6, seed=k))}) for k, scale in enumerate((1.0, 2.0))
    }
    banded = BandedLoss([[Band(1.0, left), Band(2.0, ~left)], [Band(2.0, ~left | left)]], losses)
    mask = torch.zeros(8, 8)
    mask[:, :6] = 1  # a third of it in the left band
    found = banded(Observation({"relu1_1": features}, {"relu1_1": mask}, 0))
    parts = [
        losses[s](Observation({"relu1_1": features[:, :, c]}, {}, 0))
        for s, c in ((1.0, slice(0, 2)), (2.0, slice(2, 6)))
    ]
    torch.testing.assert_close(found, parts[0] / 3 + parts[1] * 2 / 3)
    whole = Observation({"relu1_1": features}, {}, 1)
    torch.testing.assert_close(banded(whole), losses[2.0](whole))
    nothing = banded(Observation({"relu1_1": features}, {"relu1_1": torch.zeros(8, 8)}, 0))
    assert float(nothing) == 0


def test_what_a_near_view_shows_is_compared_with_a_larger_style(encoder) -> None:
    """The minimum of a view that is twice as near is the style twice as large; on the screen, it is the style."""
    scene = seen_at(1.0, 0.5, 1.0)
    on_surface = guide(scene, encoder, BARE)
    on_screen = guide(scene, encoder, replace(BARE, strokes="screen"))
    usual, large = (look(STYLE.at(size)[0], 1) for size in (32, 64))
    for name in ("gram", "nnfm"):
        assert on_surface.judge(large)[1][name] == pytest.approx(0, abs=1e-5)
        assert on_surface.judge(usual)[1][name] > 1e-3
        assert on_screen.judge(usual)[1][name] == pytest.approx(0, abs=1e-5)
    far = replace(usual, view=0)
    assert on_surface.judge(far)[1]["gram"] == pytest.approx(0, abs=1e-5)


def test_alike_views_are_painted_as_on_the_screen(encoder) -> None:
    found = [
        guide(scene, encoder, RECIPE).judge(look(noise(3, 32, 32)))
        for scene in (seen_at(1.0, 1.1), replace(seen_at(1.0, 1.1), footprint=None))
    ]
    assert found[0][1] == found[1][1]
    assert torch.equal(found[0][0], found[1][0])


def test_neighbours_of_another_scale_are_not_adopted(encoder) -> None:
    """Choices are numbers of positions of one scale of the style: those of another would be of other strokes."""

    def correspond(view: int, partner: int, cell: int) -> Correspondence:
        n = 32 // cell
        centres = (torch.arange(n) + 0.5) / n * 2 - 1
        grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
        return Correspondence(grid, torch.ones(n, n, dtype=torch.bool))

    recipe = Recipe(terms=(Term("nnfm", layers=("relu2_1",), options={"agree": 2.0}),), style_scale=1.0)
    near = look(noise(3, 32, 32, seed=5), 1)
    beside, alone = (
        guide(seen_at(1.0, 0.5, 1.0, neighbours=neighbours, correspond=correspond), encoder, recipe)
        for neighbours in (lambda: [[1], [0], [1]], lambda: [[], [], []])
    )
    far = look(noise(3, 32, 32, seed=6), 0)
    beside.judge(far)
    beside.note(far)
    assert beside.judge(near)[1] == alone.judge(near)[1]
    beside.note(near)
    assert (
        beside.judge(look(noise(3, 32, 32, seed=7), 0))[1]
        == alone.judge(look(noise(3, 32, 32, seed=7), 0))[1]
    )


def test_octaves_compare_smaller_views_with_smaller_styles(encoder) -> None:
    recipe = replace(RECIPE, octaves=2)
    made = guide(seen_at(1.0, 1.0), encoder, recipe)
    _, parts = made.judge(look(noise(3, 32, 32)))
    assert set(parts) == {"variation", "gram", "nnfm", "content", "gram 1/2", "nnfm 1/2"}
    once = guide(seen_at(1.0, 1.0), encoder).judge(look(noise(3, 32, 32)))[1]
    assert parts["gram"] == pytest.approx(once["gram"] / 2, rel=1e-5)
    assert parts["content"] == once["content"]
    halved = F.avg_pool2d(noise(3, 32, 32)[None], 2)[0]
    small = guide(StageScene(1, lambda view: halved), encoder, size=16).judge(look(halved))[1]
    assert parts["gram 1/2"] == pytest.approx(small["gram"] / 2, rel=1e-5)


def test_views_that_are_too_small_have_no_octaves(encoder) -> None:
    made = guide(seen_at(1.0), encoder, replace(RECIPE, octaves=3))
    small = look(noise(3, 32, 32))
    loss, parts = made.judge(small)
    assert parts["gram 1/2"] > 0
    assert "gram 1/4" not in parts
    assert float(loss) == pytest.approx(sum(parts.values()), rel=1e-5)
    made.note(small)


def test_octaves_also_follow_the_surface(encoder) -> None:
    made = guide(seen_at(1.0, 0.5, 1.0), encoder, replace(BARE, octaves=2))
    found = made.judge(look(STYLE.at(64)[0], 1))[1]
    assert found["gram"] == pytest.approx(0, abs=1e-5)
    assert found["gram 1/2"] < 0.1 * made.judge(look(STYLE.at(32)[0], 1))[1]["gram 1/2"]
