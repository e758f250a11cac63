from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.features import VGG
from nst3d.features.layers import conv_shape, layer_names
from nst3d.features.vgg import IMAGENET
from nst3d.losses import Correspondence
from nst3d.stylize.agreement import ViewMemory
from nst3d.stylize.criterion import Viewing
from nst3d.stylize.recipe import Recipe, StageInputs, build_criterion, fitting_criterion

ALL = Recipe(
    content=1.0, content_layers=("relu2_1",), gram=1.0, gram_layers=("relu1_1",), moments=1.0,
    moments_layers=("relu2_1",), nnfm=1.0, nnfm_layers=("relu2_1",), variation=1.0, consistency=1.0,
    consistency_layers=("relu2_1",),
)  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> VGG:
    """A VGG-16 with seeded random weights."""
    generator = torch.Generator().manual_seed(3)
    convs = {}
    for layer in layer_names("vgg16"):
        if layer.startswith("conv"):
            out, inside = conv_shape(layer)
            weight = torch.randn(out, inside, 3, 3, generator=generator) / (9 * inside) ** 0.5
            convs[layer] = weight, torch.zeros(out)
    return VGG("vgg16", convs, IMAGENET)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def inputs(**fields) -> StageInputs:
    base = StageInputs(
        style=(noise(3, 16, 24, seed=1),),
        contents=lambda view: noise(3, 16, 16, seed=10 + view),
        num_views=2,
        viewing=Viewing(torch.full((3,), 0.5)),
    )
    return replace(base, **fields)


def remember(strides, layers) -> ViewMemory:
    def correspond(view: int, partner: int, cell: int) -> Correspondence:
        n = 16 // cell
        centres = (torch.arange(n) + 0.5) / n * 2 - 1
        grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
        return Correspondence(grid, torch.ones(n, n, dtype=torch.bool))

    return ViewMemory([[1], [0]], correspond, strides, layers)


def parts(criterion, view: int = 0, seed: int = 10) -> dict[str, float]:
    return criterion(noise(3, 16, 16, seed=seed), torch.ones(16, 16), view)[1]


def test_a_recipe_names_its_losses(encoder) -> None:
    assert set(parts(build_criterion(ALL, encoder, inputs()))) == {
        "variation", "content", "gram", "moments", "nnfm",
    }  # fmt: skip
    with_memory = build_criterion(ALL, encoder, inputs(memory=remember))
    assert "consistency" in parts(with_memory)


@pytest.mark.parametrize("name", ["content", "gram", "moments", "nnfm", "variation"])
def test_a_weight_of_zero_switches_a_loss_off(encoder, name) -> None:
    criterion = build_criterion(replace(ALL, **{name: 0.0}), encoder, inputs())
    assert set(parts(criterion)) == {"variation", "content", "gram", "moments", "nnfm"} - {name}


def test_weights_multiply(encoder) -> None:
    once = parts(build_criterion(ALL, encoder, inputs()), seed=5)
    thrice = parts(build_criterion(replace(ALL, gram=3.0, content=0.5), encoder, inputs()), seed=5)
    assert thrice["gram"] == pytest.approx(3 * once["gram"])
    assert thrice["content"] == pytest.approx(once["content"] / 2)


def test_each_view_has_its_own_content(encoder) -> None:
    criterion = build_criterion(ALL, encoder, inputs())
    assert parts(criterion, view=0, seed=10)["content"] == 0
    assert parts(criterion, view=1, seed=11)["content"] == 0
    assert parts(criterion, view=1, seed=10)["content"] > 0


def test_the_style_itself_is_the_minimum(encoder) -> None:
    style = noise(3, 16, 16, seed=1)
    criterion = build_criterion(ALL, encoder, inputs(style=(style,)))
    found = parts(criterion, seed=1)
    assert found["gram"] == pytest.approx(0, abs=1e-9)
    assert found["moments"] == pytest.approx(0, abs=1e-9)
    assert found["nnfm"] == pytest.approx(0, abs=1e-5)


def test_several_styles_count_together(encoder) -> None:
    one, two = noise(3, 16, 16, seed=1), noise(3, 16, 32, seed=2)
    found = parts(build_criterion(ALL, encoder, inputs(style=(one, two))), seed=1)
    assert found["nnfm"] == pytest.approx(0, abs=1e-5)  # the first style's features are among them
    assert found["gram"] > 0


def test_views_are_compared_with_what_their_neighbour_showed(encoder) -> None:
    criterion = build_criterion(ALL, encoder, inputs(memory=remember))
    assert parts(criterion, view=0, seed=3)["consistency"] == 0  # no neighbour has been seen
    assert parts(criterion, view=1, seed=3)["consistency"] == pytest.approx(0, abs=1e-5)
    assert parts(criterion, view=1, seed=4)["consistency"] > 0.01


def test_nothing_to_do(encoder) -> None:
    nothing = replace(ALL, content=0, gram=0, moments=0, nnfm=0, variation=0, consistency=0)
    with pytest.raises(ConfigError, match="nothing to optimise"):
        build_criterion(nothing, encoder, inputs())


def test_unknown_layers_are_named(encoder) -> None:
    with pytest.raises(ConfigError, match="relu9_9"):
        build_criterion(replace(ALL, gram_layers=("relu9_9",)), encoder, inputs())


def test_content_features_within_a_budget_are_the_same(encoder) -> None:
    recipe = replace(ALL, gram=0.0, moments=0.0, nnfm=0.0, consistency=0.0)
    asked: list[int] = []

    def contents(view: int) -> torch.Tensor:
        asked.append(view)
        return noise(3, 16, 16, seed=10 + view)

    criteria = [
        build_criterion(recipe, encoder, inputs(contents=contents, budget_bytes=b)) for b in (1e9, 1.0)
    ]
    image, opaque = noise(3, 16, 16), torch.ones(16, 16)
    for view in (0, 1, 0, 1):
        large, small = (criterion(image, opaque, view)[0] for criterion in criteria)
        assert torch.equal(large, small)
    assert asked == [0, 0, 1, 1, 0, 1]  # the small one forgets


def test_fitting_is_the_mean_square_to_the_content_pictures() -> None:
    criterion = fitting_criterion(inputs())
    image = noise(3, 16, 16)
    opaque = torch.ones(16, 16)
    loss, parts = criterion(image, opaque, 1)
    assert set(parts) == {"fit"}
    torch.testing.assert_close(loss, (image - noise(3, 16, 16, seed=11)).square().mean())
    half = opaque.clone()
    half[:8] = 0
    covered = (image - noise(3, 16, 16, seed=10))[:, 8:].square().mean()
    torch.testing.assert_close(criterion(image, half, 0)[0], covered)


@pytest.mark.parametrize("unit", [1.0, 57.0])
def test_mean_squares_of_content_do_not_depend_on_the_scale_of_the_features(encoder, unit) -> None:
    """Over the layers' channels side by side, as ARF takes it; an encoder of larger features counts the same."""
    layers = ("relu2_1", "relu2_2")
    recipe = replace(ALL, gram=0.0, moments=0.0, nnfm=0.0, consistency=0.0, variation=0.0)
    recipe = replace(recipe, content_layers=layers, normalise="mean")

    class Larger:
        def __init__(self) -> None:
            self.unit, self.stride = unit, encoder.stride

        def __call__(self, image: torch.Tensor, names) -> dict[str, torch.Tensor]:
            return {k: f * unit for k, f in encoder(image, names).items()}

    image, picture = noise(3, 16, 16), noise(3, 16, 16, seed=10)
    a, b = (torch.cat([f[k] for k in layers]) for f in (encoder(image, layers), encoder(picture, layers)))
    loss, _ = build_criterion(recipe, Larger(), inputs())(image, torch.ones(16, 16), 0)
    torch.testing.assert_close(loss, (a - b).square().mean(), rtol=1e-5, atol=0)
