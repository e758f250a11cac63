"""Losses as terms of a recipe: made from styles and contents, and alike when they judge twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from random_vgg import random_vgg

from nst3d.errors import ConfigError
from nst3d.features import VGG
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.look import Look
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term

OF_STYLES = ["covariance", "histogram", "sliced", "contextual", "hypercolumn"]
OF_CONTENTS = ["self_similarity", "laplacian", "edges"]


@pytest.fixture(scope="module")
def encoder() -> VGG:
    return random_vgg()


def noise(seed: int) -> torch.Tensor:
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(seed))


def style(seed: int, **fields) -> Style:
    return Style((noise(seed).permute(1, 2, 0),), **fields)


def guide(encoder: VGG, term: Term, *styles: Style):
    asked = StageInputs(
        [Coat(styles or (style(1),))],
        StageScene(1, lambda view: noise(2)),
        32,
        Viewing(torch.full((3,), 0.5)),
    )
    return build_guide(Recipe(terms=(term,), style_scale=1.0), encoder, asked)


def loss(guide, picture: torch.Tensor, coverage: torch.Tensor | None = None, step: int = 0) -> float:
    seen = torch.ones(32, 32) if coverage is None else coverage
    return float(guide.judge(Look(picture, seen, step=step))[0])


@pytest.mark.parametrize(
    ("name", "option", "value", "expected"),
    [("sliced", "directions", 10**8, "from 1 to 4096"), ("sliced", "positions", 0, "from 1 to 65536"),
     ("contextual", "bandwidth", -0.5, "above 0"), ("nnfm", "style_positions", 0, "from 1 to 1048576"),
     ("self_similarity", "positions", 1, "from 2 to 8192")],
)  # fmt: skip
def test_options_have_bounds(name, option, value, expected) -> None:
    with pytest.raises(
        ConfigError, match=f"term {name}: option {option} is {value}.*: expected a number {expected}"
    ):
        Term(name, options={option: value})
    assert Term("nnfm", options={"style_positions": None}).all_options["style_positions"] is None


@pytest.mark.parametrize("name", OF_STYLES)
def test_losses_of_styles_are_least_at_the_style(encoder, name) -> None:
    judge = guide(encoder, Term(name))
    assert loss(judge, noise(1)) == pytest.approx(0, abs=1e-4)
    assert loss(judge, noise(2)) > 1e-2


@pytest.mark.parametrize("name", OF_CONTENTS)
def test_losses_of_contents_are_least_at_the_content(encoder, name) -> None:
    judge = guide(encoder, Term(name))
    assert loss(judge, noise(2)) == pytest.approx(0, abs=1e-5)
    assert loss(judge, noise(1)) > 1e-2


@pytest.mark.parametrize("name", OF_STYLES)
def test_transparent_pixels_of_a_style_do_not_count(encoder, name) -> None:
    opacity = torch.zeros(32, 32)
    opacity[:, :17] = 1
    cut = style(1, opacities=(opacity,))
    judge = guide(encoder, Term(name), cut)
    assert loss(judge, cut.at(32)[0], opacity) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", OF_STYLES)
def test_several_styles_count_by_their_weights(encoder, name) -> None:
    one, other = style(1), style(2)
    with_little, alone = (
        guide(encoder, Term(name), one, replace(other, weight=1e-6)),
        guide(encoder, Term(name), one),
    )
    assert loss(with_little, noise(3)) == pytest.approx(loss(alone, noise(3)), rel=0.1)


@pytest.mark.parametrize(
    ("name", "options"),
    [("sliced", {"positions": 20}), ("sliced", {}), ("histogram", {"positions": 9}),
     ("contextual", {"positions": 9}), ("self_similarity", {"positions": 9})],
)  # fmt: skip
def test_draws_depend_on_the_step_alone(encoder, name, options) -> None:
    judge = guide(encoder, Term(name, options=options))
    assert loss(judge, noise(3), step=4) == loss(judge, noise(3), step=4) != loss(judge, noise(3), step=5)
