"""The guide by scores: its gradient is the formula's, and it looks only where it should."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.stylize.diffusion.denoise import Denoiser, Guidance, Hints
from nst3d.stylize.diffusion.networks import Networks, load_networks, prompts_of
from nst3d.stylize.diffusion.score import ScoreGuide, Scoring
from nst3d.stylize.guides import GUIDES, GuideInputs
from nst3d.stylize.loaded import Loaded
from nst3d.stylize.look import Look
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term
from nst3d.tensors import Planes

BACKGROUND = torch.full((3,), 0.5)
SIDE = 32


@pytest.fixture(scope="module")
def networks(models: Path) -> Networks:
    return load_networks(str(models / "plain"), "option model")


def image(seed: int = 0) -> Planes:
    return Planes(torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)))


def look(picture: Planes, **fields: Any) -> Look:
    return Look(picture, torch.ones(SIDE, SIDE), view=1, step=2, **fields)


def guide(networks: Networks, before: bool = False, **options: Any) -> ScoreGuide:
    words, source = (prompts_of(networks, [Style(text=text)]) for text in ("jade", "wood"))
    own = Scoring(guidance=5.0, **options)
    return ScoreGuide(networks, words, BACKGROUND, own, (lambda view: image(0), source) if before else None)


def test_the_gradient_is_that_of_the_formula(networks: Networks) -> None:
    """∂L/∂x = w(t) (ε̂ − ε) ∂z/∂x / n, written out; neither the network's nor the noise's derivative is in it."""
    picture = image().requires_grad_()
    own = guide(networks)
    loss, _ = own.judge(look(Planes(picture)))
    (found,) = torch.autograd.grad(loss, picture)

    generator = look(picture).generator()
    step = own.step_of(look(picture), generator)
    latents = networks.encode(Planes(picture))
    noise = torch.randn(latents.shape, generator=generator)
    level = float(networks.levels[step])
    noisy = level**0.5 * latents + (1 - level) ** 0.5 * noise
    words = prompts_of(networks, [Style(text="jade")])
    with torch.no_grad():
        bare, wanted = (
            networks.unet(noisy[None], step, encoder_hidden_states=rows).sample[0]
            for rows in (words.unwanted, words.wanted)
        )
    score = (1 - level) * (bare + 5.0 * (wanted - bare) - noise)
    (expected,) = torch.autograd.grad((score * latents).sum() / latents.numel(), picture)
    torch.testing.assert_close(found, expected, atol=1e-7, rtol=1e-3)
    assert float(loss.detach()) == pytest.approx(float(0.5 * score.square().mean().detach()), rel=1e-3)


def test_judging_is_pure(networks: Networks) -> None:
    own = guide(networks)
    losses = [float(own.judge(look(image()))[0]) for _ in range(2)]
    assert losses[0] == losses[1]
    assert float(own.judge(replace(look(image()), step=3))[0]) != losses[0]


def test_what_did_not_change_has_no_delta_where_words_are_the_same(networks: Networks) -> None:
    """A view that is its content, with the words that say what it is, is left alone."""
    words = prompts_of(networks, [Style(text="wood")])
    before = (lambda view: image(0), words)
    own = ScoreGuide(networks, words, BACKGROUND, Scoring(guidance=5.0), before)
    assert float(own.judge(look(image(0)))[0]) == 0
    assert float(own.judge(look(image(1)))[0]) > 0
    assert float(guide(networks, before=True).judge(look(image(0)))[0]) > 0  # other words


def test_steps_are_drawn_from_a_range_that_shrinks(networks: Networks) -> None:
    own = guide(networks, least=0.1, most=0.9, last=0.3)
    for share, most in ((0.0, 900), (1.0, 300)):
        looks = [replace(look(image()), step=k, share=share) for k in range(200)]
        steps = [own.step_of(k, k.generator()) for k in looks]
        assert 100 <= min(steps) < 130
        assert most - 40 < max(steps) <= most


def test_a_region_alone_is_seen(networks: Networks) -> None:
    covered = torch.zeros(SIDE, SIDE)
    covered[:, :16] = 1
    one, other = image(), image()
    other[:, :, 16:] = 0.9
    other.requires_grad_()
    own = guide(networks)
    first, second = (own.judge(replace(look(p), coverage=covered))[0] for p in (one, Planes(other)))
    assert float(first) == float(second.detach())
    (gradient,) = torch.autograd.grad(second, other)
    assert not gradient[:, :, 16:].any()
    assert gradient[:, :, :16].any()


def test_large_views_are_seen_smaller(networks: Networks) -> None:
    picture = Planes(torch.rand(3, 80, 160))
    own = guide(networks, size=64)
    latents = networks.encode(own._shown(picture, Look(picture, torch.ones(80, 160))))
    assert latents.shape[1:] == (4, 8)


def test_a_perfect_prediction_leaves_nothing(networks: Networks) -> None:
    """Guidance of equal words is no guidance."""
    words = prompts_of(networks, [Style(text="wood", avoid="wood")])
    latents = torch.randn(4, 4, 4, generator=torch.Generator().manual_seed(0))
    one, other = (Denoiser(networks, words, Guidance(s)).noise(latents, 500, Hints()) for s in (0.0, 50.0))
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


def test_it_is_a_term_that_reads_words(models: Path) -> None:
    kind = GUIDES.get("score")
    assert kind.reads_words
    style, options = Style(text="jade"), {**kind.options, "model": str(models / "plain")}
    scene = StageScene(1, content=lambda view: image(0))
    loaded = Loaded()
    made = kind.make(GuideInputs(options, [style], scene, SIDE, BACKGROUND, loaded))
    again = kind.make(GuideInputs(options, [style], scene, SIDE, BACKGROUND, loaded))
    assert again._networks is made._networks
    assert float(made.judge(look(image()))[0]) > 0
    delta = kind.make(
        GuideInputs({**options, "way": "dds", "source": "wood"}, [style], scene, SIDE, BACKGROUND)
    )
    assert float(delta.judge(look(image()))[0]) > 0
    assert not kind.ready(options, [style])
    with pytest.raises(ConfigError, match="needs the option source"):
        kind.ready({**options, "way": "dds"}, [style])
    with pytest.raises(ConfigError, match="expected 'sds' or 'dds'"):
        Term("score", options={"way": "isd"})
    with pytest.raises(ConfigError, match="follows instructions"):
        kind.make(
            GuideInputs({**options, "model": str(models / "instructed")}, [style], scene, SIDE, BACKGROUND)
        )
