from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from random_vgg import random_vgg

from nst3d.errors import ConfigError
from nst3d.features import VGG
from nst3d.losses import Correspondence
from nst3d.stylize.coat import Coat
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.look import Look
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.stage_guide import StageInputs, build_guide, fitting_guide
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term

ALL = Recipe(
    terms=(
        Term("variation"),
        Term("content", layers=("relu2_1",)),
        Term("gram", layers=("relu1_1",)),
        Term("moments", layers=("relu2_1",)),
        Term("nnfm", layers=("relu2_1",)),
        Term("consistency", layers=("relu2_1",)),
    ),
    style_scale=1.0,
)
NAMES = {"variation", "content", "gram", "moments", "nnfm"}
"""Of the parts where there is a single view to compare."""


@pytest.fixture(scope="module")
def encoder() -> VGG:
    return random_vgg()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def correspond(view: int, partner: int, cell: int) -> Correspondence:
    n = 16 // cell
    centres = (torch.arange(n) + 0.5) / n * 2 - 1
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
    return Correspondence(grid, torch.ones(n, n, dtype=torch.bool))


def style_of(*pictures: torch.Tensor) -> list[Style]:
    return [Style((picture.permute(1, 2, 0),)) for picture in pictures]


def scene(num_views: int = 1, **fields) -> StageScene:
    """Views whose contents are noise, each from its own seed, and which see the same."""
    known = {
        "content": lambda view: noise(3, 16, 16, seed=10 + view),
        "neighbours": lambda: [[1], [0]],
        "correspond": correspond,
    }
    return StageScene(num_views, **{**known, **fields})


def inputs(**fields) -> StageInputs:
    styles = style_of(noise(3, 16, 24, seed=1))
    return replace(StageInputs([Coat(styles)], scene(), 24, Viewing(torch.full((3,), 0.5))), **fields)


def parts(guide, view: int = 0, seed: int = 10) -> dict[str, float]:
    look = Look(noise(3, 16, 16, seed=seed), torch.ones(16, 16), view)
    found = guide.judge(look)[1]
    guide.note(look)
    return found


def test_a_recipe_names_its_losses(encoder) -> None:
    assert set(parts(build_guide(ALL, encoder, inputs()))) == NAMES
    assert set(parts(build_guide(ALL, encoder, inputs(scene=scene(2))))) == NAMES | {"consistency"}


@pytest.mark.parametrize("name", ["content", "gram", "moments", "nnfm", "variation"])
def test_a_weight_of_zero_switches_a_loss_off(encoder, name) -> None:
    assert set(parts(build_guide(ALL.with_terms({name: 0.0}), encoder, inputs()))) == NAMES - {name}


def test_weights_multiply(encoder) -> None:
    once = parts(build_guide(ALL, encoder, inputs()), seed=5)
    thrice = parts(build_guide(ALL.with_terms({"gram": 3.0, "content": 0.5}), encoder, inputs()), seed=5)
    assert thrice["gram"] == pytest.approx(3 * once["gram"])
    assert thrice["content"] == pytest.approx(once["content"] / 2)


def test_each_view_has_its_own_content(encoder) -> None:
    criterion = build_guide(ALL, encoder, inputs(scene=scene(2)))
    assert parts(criterion, view=0, seed=10)["content"] == 0
    assert parts(criterion, view=1, seed=11)["content"] == 0
    assert parts(criterion, view=1, seed=10)["content"] > 0


def test_the_style_itself_is_the_minimum(encoder) -> None:
    style = noise(3, 16, 16, seed=1)
    criterion = build_guide(ALL, encoder, inputs(coats=[Coat(style_of(style))], size=16))
    found = parts(criterion, seed=1)
    assert found["gram"] == pytest.approx(0, abs=1e-9)
    assert found["moments"] == pytest.approx(0, abs=1e-9)
    assert found["nnfm"] == pytest.approx(0, abs=1e-5)


def test_transparent_pixels_of_a_style_do_not_count(encoder) -> None:
    """A style that covers a part of its picture is matched by a view whose coverage is the same part."""
    opacity = torch.zeros(16, 16)
    opacity[:, :9] = 1
    style = Style((noise(16, 16, 3, seed=1),), opacities=(opacity,))
    asked = inputs(coats=[Coat([style])], size=16, viewing=Viewing(style.background))
    found = build_guide(ALL, encoder, asked).judge(Look(style.at(16)[0], opacity, 0))[1]
    assert found["gram"] == pytest.approx(0, abs=1e-9)
    assert found["moments"] == pytest.approx(0, abs=1e-9)
    assert found["nnfm"] == pytest.approx(0, abs=1e-5)
    whole = build_guide(ALL, encoder, asked).judge(Look(style.at(16)[0], torch.ones(16, 16), 0))[1]
    assert whole["gram"] > 1e-3


def test_several_styles_count_together(encoder) -> None:
    one, two = noise(3, 16, 16, seed=1), noise(3, 16, 32, seed=2)
    found = parts(build_guide(ALL, encoder, inputs(coats=[Coat(style_of(one, two))], size=16)), seed=1)
    assert found["nnfm"] == pytest.approx(0, abs=1e-5)  # the first style's features are among them
    assert found["gram"] > 0


def test_views_are_compared_with_what_their_neighbour_showed(encoder) -> None:
    criterion = build_guide(ALL, encoder, inputs(scene=scene(2)))
    assert parts(criterion, view=0, seed=3)["consistency"] == 0  # no neighbour has been seen
    assert parts(criterion, view=1, seed=3)["consistency"] == pytest.approx(0, abs=1e-5)
    assert parts(criterion, view=1, seed=4)["consistency"] > 0.01


def test_nothing_to_do(encoder) -> None:
    nothing = ALL.with_terms({term.name: 0 for term in ALL.terms})
    with pytest.raises(ConfigError, match="nothing to optimise"):
        build_guide(nothing, encoder, inputs())


def test_unknown_layers_are_named(encoder) -> None:
    with pytest.raises(ConfigError, match="relu9_9"):
        build_guide(ALL.with_terms({"gram": {"layers": ["relu9_9"]}}), encoder, inputs())


def test_content_features_within_a_budget_are_the_same(encoder) -> None:
    recipe = ALL.with_terms(dict.fromkeys(("gram", "moments", "nnfm", "consistency"), 0))
    asked: list[int] = []

    def contents(view: int) -> torch.Tensor:
        asked.append(view)
        return noise(3, 16, 16, seed=10 + view)

    criteria = [
        build_guide(recipe, encoder, inputs(scene=scene(2, content=contents), budget_bytes=b))
        for b in (1e9, 1.0)
    ]
    image, opaque = noise(3, 16, 16), torch.ones(16, 16)
    for view in (0, 1, 0, 1):
        large, small = (criterion.judge(Look(image, opaque, view))[0] for criterion in criteria)
        assert torch.equal(large, small)
    assert asked == [0, 0, 1, 1, 0, 1]  # the small one forgets


def test_fitting_is_the_mean_square_to_the_content_pictures() -> None:
    guide = fitting_guide(scene(2), inputs().viewing)
    image = noise(3, 16, 16)
    opaque = torch.ones(16, 16)
    loss, parts = guide.judge(Look(image, opaque, 1))
    assert set(parts) == {"fit"}
    torch.testing.assert_close(loss, (image - noise(3, 16, 16, seed=11)).square().mean())
    half = opaque.clone()
    half[:8] = 0
    covered = (image - noise(3, 16, 16, seed=10))[:, 8:].square().mean()
    torch.testing.assert_close(guide.judge(Look(image, half, 0))[0], covered)


@pytest.mark.parametrize("unit", [1.0, 57.0])
def test_mean_squares_of_content_do_not_depend_on_the_scale_of_the_features(encoder, unit) -> None:
    """Over the layers' channels side by side, as ARF takes it; an encoder of larger features counts the same."""
    layers = ("relu2_1", "relu2_2")
    recipe = Recipe(terms=(Term("content", layers=layers),), normalise="mean")

    class Larger:
        def __init__(self) -> None:
            self.unit, self.stride = unit, encoder.stride

        def __call__(self, image: torch.Tensor, names) -> dict[str, torch.Tensor]:
            return {k: f * unit for k, f in encoder(image, names).items()}

    image, picture = noise(3, 16, 16), noise(3, 16, 16, seed=10)
    a, b = (torch.cat([f[k] for k in layers]) for f in (encoder(image, layers), encoder(picture, layers)))
    loss, _ = build_guide(recipe, Larger(), inputs()).judge(Look(image, torch.ones(16, 16)))
    torch.testing.assert_close(loss, (a - b).square().mean(), rtol=1e-5, atol=0)


def test_judging_changes_nothing(encoder) -> None:
    """The same look gets the same answer however often it is asked for; only notes move the memory."""
    guide = build_guide(ALL, encoder, inputs(scene=scene(2)))
    looks = [Look(noise(3, 16, 16, seed=k), torch.ones(16, 16), view) for k, view in enumerate((0, 1, 0))]
    for look in looks:
        first = guide.judge(look)
        for _ in range(3):
            again = guide.judge(look)
            assert again[1] == first[1]
            assert torch.equal(again[0], first[0])
        guide.note(look)
    assert guide.judge(looks[0])[1] != first[1]  # there are neighbours now


def test_a_restored_guide_answers_as_before(encoder) -> None:
    guides = [build_guide(ALL, encoder, inputs(scene=scene(2))) for _ in range(2)]
    for k, view in enumerate((0, 1, 1, 0)):
        parts(guides[0], view, k)
    guides[1].restore(guides[0].state())
    for k, view in enumerate((0, 1, 0)):
        assert parts(guides[0], view, 20 + k) == parts(guides[1], view, 20 + k)


def test_a_note_of_a_look_that_was_not_judged_last_is_that_look(encoder) -> None:
    """A line search judges other looks of a view before the first one is noted."""
    guides = [build_guide(ALL, encoder, inputs(scene=scene(2))) for _ in range(2)]
    first, second = (Look(noise(3, 16, 16, seed=k), torch.ones(16, 16)) for k in range(2))
    for guide, judged in zip(guides, ((first,), (first, second))):
        for look in judged:
            guide.judge(look)
        guide.note(first)
    assert parts(guides[0], 1, 5) == parts(guides[1], 1, 5)


def test_one_style_twice_is_the_style(encoder) -> None:
    picture, other = noise(3, 16, 24, seed=1), noise(3, 16, 24, seed=2)
    once, twice = (
        parts(build_guide(ALL, encoder, inputs(coats=[Coat(style_of(*s))])))
        for s in ([picture], [picture] * 2)
    )
    assert once == twice
    heavy = parts(build_guide(ALL, encoder, inputs(coats=[Coat(style_of(picture, picture, other))])))
    even = parts(build_guide(ALL, encoder, inputs(coats=[Coat(style_of(picture, other))])))
    assert abs(heavy["gram"] - once["gram"]) < abs(even["gram"] - once["gram"])


def test_weights_of_styles_are_shares(encoder) -> None:
    one, two = style_of(noise(3, 32, 32, seed=1), noise(3, 32, 32, seed=2))
    found = [
        parts(build_guide(ALL, encoder, inputs(coats=[Coat([one, replace(two, weight=w)])])))["gram"]
        for w in (1e-9, 1, 1e9)
    ]
    alone = [parts(build_guide(ALL, encoder, inputs(coats=[Coat([s])])))["gram"] for s in (one, two)]
    assert found[0] == pytest.approx(alone[0], rel=0.05)
    assert found[2] == pytest.approx(alone[1], rel=0.05)
    assert min(alone) < found[1] < max(alone) or found[1] < min(alone)
