"""Coats: what several styles do by region, and that one is as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from random_vgg import random_vgg

from nst3d.errors import ConfigError
from nst3d.features import VGG
from nst3d.stylize.coat import Coat, painted, settled
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.look import Look
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.regions import PAINTED, Regions, layered
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term
from nst3d.tensors import Image, Planes

ROWS = 6


@pytest.fixture(scope="module")
def encoder() -> VGG:
    return random_vgg()


def style(*rgb: float, weight: float = 1.0) -> Style:
    return Style((Image(torch.tensor(rgb).expand(16, 16, 3)),), weight=weight)


RED, BLUE = style(1.0, 0.1, 0.1), style(0.1, 0.1, 1.0)


def column(*weights: float) -> torch.Tensor:
    return torch.tensor(weights)[:, None]


A, B = column(1, 1, 0.5, 0, 0, 0), column(0, 1, 1, 1, 0, 0)


def test_earlier_coats_cover_later_ones() -> None:
    regions = layered([Coat([RED], "a"), Coat([BLUE], "b")], {"a": A, "b": B}, ROWS)
    assert torch.equal(regions.columns["a"], A)
    assert torch.equal(regions.columns["b"], column(0, 0, 0.5, 1, 0, 0))
    assert torch.equal(regions.columns[PAINTED], column(1, 1, 1, 1, 0, 0))
    assert regions.painted == PAINTED


def test_the_rest_is_what_no_region_covers() -> None:
    regions = layered([Coat([RED], "a"), Coat([BLUE])], {"a": A}, ROWS)
    assert torch.equal(regions.columns["a"] + regions.columns["rest"], torch.ones(ROWS, 1))
    assert regions.painted is None  # every row


def test_soft_regions_that_leave_nothing_paint_every_row() -> None:
    rows = 5000
    soft = torch.rand(rows, 3, generator=torch.Generator().manual_seed(0))
    columns = {name: soft[:, k, None] for k, name in enumerate("abc")}
    regions = layered([Coat([RED], name) for name in columns] + [Coat([BLUE])], columns, rows)
    weights = torch.cat([regions.columns[name] for name in (*columns, "rest")], 1)
    assert bool((weights.sum(1) < 1).any())  # but for rounding
    assert regions.painted is None


def test_what_is_kept_is_not_painted() -> None:
    regions = layered([Coat([], "a"), Coat([RED])], {"a": A}, ROWS)
    assert regions.painted == "rest"
    before, after = torch.zeros(ROWS, 3), torch.ones(ROWS, 3)
    assert torch.equal(regions.restored(after, before)[:2], before[:2])
    assert torch.equal(regions.restored(after, before)[3:], after[3:])


def test_one_coat_is_its_region() -> None:
    assert layered([Coat([RED])], {}, ROWS) == Regions()  # everything, without a column
    regions = layered([Coat([RED], "a")], {"a": A}, ROWS)
    assert regions.painted == "a"
    assert torch.equal(regions.columns["a"], A)


def test_strength_is_the_share_of_the_way() -> None:
    coats = [Coat([RED], "a", strength=0.25), Coat([BLUE])]
    regions = layered(coats, {"a": column(1, 1, 0, 0, 0, 0)}, ROWS)
    found = regions.restored(torch.ones(ROWS, 3), torch.zeros(ROWS, 3))
    torch.testing.assert_close(found[:, :1], column(0.25, 0.25, 1, 1, 1, 1))


def test_colours_are_mixed_by_weight() -> None:
    coats = [Coat([RED], "a"), Coat([BLUE], "b")]
    regions = layered(coats, {"a": A, "b": B}, ROWS)
    found = regions.mixed(coats, lambda coat: coat.palette[:1].expand(ROWS, 3), torch.zeros(ROWS, 3))
    red, blue = torch.tensor([1, 0.1, 0.1]), torch.tensor([0.1, 0.1, 1])
    torch.testing.assert_close(found[0], red)
    torch.testing.assert_close(found[2], (red + blue) / 2)
    assert not found[4:].any()


def test_a_coat_that_others_cover_and_none_that_paints() -> None:
    with pytest.raises(ConfigError, match="region b: the regions before it cover all of it"):
        layered([Coat([RED]), Coat([BLUE], "b")], {"b": B}, ROWS)
    with pytest.raises(ConfigError, match="no region is painted"):
        painted([Coat([], "a")])


def test_a_mix_has_the_palette_and_background_of_its_weights() -> None:
    mixed = Coat([RED, style(0.1, 0.1, 1.0, weight=0.25)])
    assert (mixed.palette[:, 0] == 1).sum() == 4 * (mixed.palette[:, 2] == 1).sum()
    torch.testing.assert_close(mixed.background, 0.8 * RED.background + 0.2 * BLUE.background)
    assert torch.equal(Coat([RED]).palette, RED.palette)


def noise(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def look(**regions: torch.Tensor) -> Look:
    image = Planes(noise(3, 16, 16, seed=3))
    return Look(image, torch.ones(16, 16), regions=regions)


def guide_of(coats: list[Coat], recipe: Recipe, encoder):
    scene = StageScene(1, lambda view: Planes(noise(3, 16, 16, seed=4)))
    return build_guide(recipe, encoder, StageInputs(coats, scene, 24, Viewing(torch.full((3,), 0.5))))


HALF = torch.zeros(16, 16)
HALF[:, :4] = 1
QUARTER = {"left": HALF, "rest": 1 - HALF}
GRAM = Recipe(terms=(Term("gram", 1.0, ("relu1_1",)), Term("variation", 2.0)))


def test_every_region_counts_by_its_area(encoder) -> None:
    """Two coats are those of each alone, by area: a small region is not painted harder than a large one."""
    coats = settled([Coat([RED], "left"), Coat([BLUE])], None)
    loss, parts = guide_of(coats, GRAM, encoder).judge(look(**QUARTER))
    assert set(parts) == {"gram left", "variation left", "gram rest", "variation rest"}
    total = 0.0
    for coat, share in ((coats[0], 0.25), (coats[1], 0.75)):
        alone, own = guide_of([coat], GRAM, encoder).judge(look(**QUARTER))
        total += share * float(alone)
        assert parts[f"gram {coat.name}"] == pytest.approx(share * own["gram"], rel=1e-5)
    assert float(loss) == pytest.approx(total, rel=1e-5)


def test_a_region_that_a_view_does_not_show_costs_it_nothing(encoder) -> None:
    coats = settled([Coat([RED], "left"), Coat([BLUE])], None)
    hidden = look(left=torch.zeros(16, 16), rest=torch.ones(16, 16))
    _, parts = guide_of(coats, GRAM, encoder).judge(hidden)
    assert set(parts) == {"gram rest", "variation rest"}


def test_a_coat_changes_terms_for_itself(encoder) -> None:
    coats = settled([Coat([RED], "left", changes={"gram": 3.0, "variation": 0.0}), Coat([BLUE])], None)
    _, parts = guide_of(coats, GRAM, encoder).judge(look(**QUARTER))
    assert set(parts) == {"gram left", "gram rest", "variation rest"}
    plain = settled([replace(coats[0], changes={}), coats[1]], None)
    assert parts["gram left"] == pytest.approx(
        3 * guide_of(plain, GRAM, encoder).judge(look(**QUARTER))[1]["gram left"]
    )


@pytest.mark.parametrize(
    ("term", "counts"),
    [
        (Term("gram", layers=("relu1_1",)), 1),
        (Term("gram", layers=("relu2_1",)), 1),
        (Term("gram", layers=("relu3_1",)), 0),
        (Term("hypercolumn", layers=("relu1_1", "relu3_1")), 0),
        (Term("excess"), 1),
    ],
)
def test_forms_of_one_style_and_texture_of_another(encoder, term, counts) -> None:
    """Deep layers, whose positions are four pixels apart or more, see only the coarse one, and fine waves the other."""
    styles = [
        Style((Image(noise(32, 32, 3, seed=k)),), weight=k + 1, detail=d)
        for k, d in enumerate(("coarse", "fine"))
    ]
    recipe = Recipe(terms=(term,), style_scale=1.0)
    both, alone = (
        guide_of([Coat(some)], recipe, encoder).judge(look())[1]
        for some in (styles, [replace(styles[counts], detail="all")])
    )
    assert both == alone
    assert both[term.name] > 0


def test_something_paints_all_detail() -> None:
    for detail in ("coarse", "fine"):
        with pytest.raises(ConfigError, match=f"region roof: it has styles for {detail} detail alone"):
            Coat([replace(RED, detail=detail)], "roof")
    Coat([replace(RED, detail="coarse"), BLUE])


def test_a_term_with_a_region_of_its_own_needs_a_single_coat(encoder) -> None:
    recipe = GRAM.with_terms({"gram": {"region": "left"}})
    with pytest.raises(ConfigError, match="term gram has the region 'left', but several regions are painted"):
        guide_of(settled([Coat([RED], "left"), Coat([BLUE])], None), recipe, encoder)


def test_two_styles_of_which_one_has_no_weight_are_one() -> None:
    assert torch.equal(
        Coat([RED, style(0.1, 0.1, 1.0, weight=1e-9)]).palette[: len(RED.palette)], RED.palette
    )
