"""The Gatys method in thirty plain lines, and the engine: the same losses, step for step."""

from __future__ import annotations

import pytest
import torch

from nst3d.features import load_encoder
from nst3d.operators import IdentityView
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.coat import Coat
from nst3d.stylize.engine import Run
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.layout import Layout
from nst3d.stylize.lbfgs import OncePerStep
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.phases import Please
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.stage_scene import TableStage
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term
from nst3d.tensors import ImageSize

SIZE = ImageSize(24, 32)
CONTENT_LAYER = "relu2_2"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1")
CONTENT_WEIGHT, STYLE_WEIGHT = 1e-3, 0.7


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("vgg19", pooling="avg", dtype=torch.float64)


@pytest.fixture(scope="module")
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """A content and a style, (3, h, w): coloured waves, so that there is structure."""
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in SIZE), indexing="ij")
    content = torch.stack([torch.sin(x / 5), torch.cos(y / 4), torch.sin((x + y) / 7)])
    style = torch.stack([torch.sin(x * y / 30), torch.sin(x), torch.cos(y / 2 - x / 3)])
    return content * 0.4 + 0.5, style * 0.45 + 0.5


def optimiser_of(name: str, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
    if name == "adam":
        return torch.optim.Adam(parameters, lr=0.02, betas=(0.9, 0.99))
    return OncePerStep(parameters, lr=1.0)


def plain_gatys(encoder, content, style, optimiser: str, count: int) -> list[float]:
    """Gatys, Ecker & Bethge 2016, equations 1 to 7: the loss at each step."""

    def gram(features):
        flat = features.flatten(1)
        return flat @ flat.T

    wanted = encoder(content, [CONTENT_LAYER])[CONTENT_LAYER]
    grams = {name: gram(f) for name, f in encoder(style, STYLE_LAYERS).items()}
    picture = content.clone().requires_grad_()
    steps = optimiser_of(optimiser, [picture])
    losses: list[float] = []

    def evaluate() -> torch.Tensor:
        steps.zero_grad()
        features = encoder(picture, [CONTENT_LAYER, *STYLE_LAYERS])
        content_loss = (features[CONTENT_LAYER] - wanted).square().sum() / 2
        style_loss = torch.zeros((), dtype=torch.float64)
        for name, target in grams.items():
            channels, positions = features[name].shape[0], features[name][0].numel()
            distance = (gram(features[name]) - target).square().sum()
            style_loss = style_loss + distance / (4 * channels**2 * positions**2)
        loss = CONTENT_WEIGHT * content_loss + STYLE_WEIGHT * style_loss
        loss.backward()
        evaluations.append(loss.item())
        return loss.detach()

    for _ in range(count):
        evaluations: list[float] = []
        steps.step(evaluate)
        losses.append(evaluations[0])
    return losses


def engine_gatys(encoder, content, style, optimiser: str, count: int) -> list[float]:
    layout = Layout.of_images([SIZE])
    recipe = Recipe(
        normalise="gatys",
        terms=(Term("content", CONTENT_WEIGHT, (CONTENT_LAYER,)), Term("gram", STYLE_WEIGHT, STYLE_LAYERS)),
        style_scale=1.0,
    )
    styles = [Style((style.permute(1, 2, 0),))]
    viewing = Viewing(torch.ones(3, dtype=torch.float64))
    scene = TableStage(views=[IdentityView(SIZE)], layout=layout, content=lambda view: content)
    canvas = LinearCanvas(
        content.permute(1, 2, 0).reshape(-1, 3),
        layout,
        lambda scale: scene,
        TableOptions(pyramid_levels=1, coverage_power=0, clamp=False),
    )
    schedule = Schedule((Stage(32, count, 0.02 if optimiser == "adam" else 1.0),), optimiser=optimiser)
    guide = build_guide(recipe, encoder, StageInputs([Coat(styles)], scene, 32, viewing))
    return [p.loss for p in Run(canvas, [Please(schedule, lambda stage: guide)])]


@pytest.mark.parametrize(("optimiser", "count", "precision"), [("adam", 20, 1e-9), ("lbfgs", 10, 1e-9)])
def test_the_engine_is_the_gatys_method(encoder, pictures, optimiser, count, precision) -> None:
    plain = plain_gatys(encoder, *pictures, optimiser, count)
    engine = engine_gatys(encoder, *pictures, optimiser, count)
    assert len(plain) == len(engine) == count
    assert plain[-1] < 0.5 * plain[0]
    assert engine == pytest.approx(plain, rel=precision)
