"""Variational and interval scores, and ControlNets: gradients are the formulas', learning happens in `note` alone."""

from __future__ import annotations

import copy
import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.errors import ConfigError
from nst3d.stylize.diffusion.denoise import Hints
from nst3d.stylize.diffusion.networks import Networks, Prompts, load_networks, prompts_of
from nst3d.stylize.diffusion.score import ScoreGuide, Scoring
from nst3d.stylize.guides import GUIDES, GuideInputs
from nst3d.stylize.look import Look
from nst3d.stylize.plain_state import check_plain
from nst3d.stylize.stage_scene import StageScene
from nst3d.stylize.style import Style
from nst3d.tensors import ImageSize, Planes

BACKGROUND = torch.full((3,), 0.5)
SIDE = 32
CAMERA = perspective(
    look_at(np.array([0.0, 0.0, 4.0]), np.zeros(3), np.array([0.0, 1.0, 0.0])), ImageSize(SIDE, SIDE), 0.8
)


@pytest.fixture
def networks(models: Path) -> Networks:
    return load_networks(str(models / "plain"), "option model")


@pytest.fixture(scope="module")
def controlled(models: Path) -> Networks:
    return load_networks(str(models / "plain"), "option model", str(models / "control"))


def image(seed: int = 0) -> Planes:
    return Planes(torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)))


def look(picture: Planes, step: int = 2, **fields: Any) -> Look:
    return Look(picture, torch.ones(SIDE, SIDE), view=1, step=step, **fields)


def words_of(networks: Networks) -> Prompts:
    return prompts_of(networks, [Style(text="jade")])


def guide(networks: Networks, way: str, guidance: float = 5.0, **options: Any) -> ScoreGuide:
    return ScoreGuide(
        networks, words_of(networks), BACKGROUND, Scoring(way=way, guidance=guidance, **options)
    )


def predicted(networks: Networks, latents: torch.Tensor, step: int, rows: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = networks.unet(latents[None], step, encoder_hidden_states=rows).sample[0]
    return found


def guided(networks: Networks, latents: torch.Tensor, step: int, scale: float = 5.0) -> torch.Tensor:
    words = words_of(networks)
    bare, wanted = (predicted(networks, latents, step, rows) for rows in (words.unwanted, words.wanted))
    return bare + scale * (wanted - bare)


def drawn(own: ScoreGuide, networks: Networks, at: Look) -> tuple[torch.Tensor, int, torch.Tensor]:
    """The latents of a look, the step that it is judged at, and its noise."""
    with torch.no_grad():
        latents = networks.encode(at.image)
    generator = at.generator()
    step = own.step_of(at, generator)
    return latents, step, torch.randn(latents.shape, generator=generator)


def learnt(networks: Networks, rate: float = 0.05, steps: int = 3, **options: Any) -> ScoreGuide:
    own = guide(networks, "vsd", rate=rate, **options)
    for step in range(steps):
        own.note(look(image(step), step))
    return own


def test_the_variational_gradient_is_that_of_the_formula(networks: Networks) -> None:
    """w(t) (ε̂(z_t) − ε_φ(z_t)), with ε_φ of a copy of the network whose weights are W + B A."""
    own = learnt(networks)
    changed = replace(networks, unet=copy.deepcopy(networks.unet))
    parts = iter(own.state()["layers"])
    with torch.no_grad():
        for name, layer in changed.unet.named_modules():
            if name.endswith(("to_q", "to_k", "to_v", "to_out.0")):
                down, up = next(parts), next(parts)
                assert bool(up.any())
                layer.weight += up @ down
    latents, step, noise = drawn(own, networks, look(image()))
    level = float(networks.levels[step])
    noisy = level**0.5 * latents + (1 - level) ** 0.5 * noise
    theirs = predicted(changed, noisy, step, words_of(networks).wanted)
    wanted = (1 - level) * (guided(networks, noisy, step) - theirs)
    torch.testing.assert_close(own.gradient(latents, look(image())), wanted, atol=1e-4, rtol=1e-3)


def test_a_network_that_has_learnt_nothing_agrees_with_itself(networks: Networks) -> None:
    """Without guidance both scores are the model's, until the renders are learnt."""
    own = guide(networks, "vsd", guidance=1.0)
    assert float(own.judge(look(image()))[0]) < 1e-8
    own = learnt(networks)
    own._denoiser._guidance = replace(own._denoiser._guidance, words=1.0)
    assert float(own.judge(look(image()))[0]) > 1e-6


def test_the_renders_are_learnt(networks: Networks) -> None:
    """The error of its prediction falls on the picture that it is shown, and the model itself stays as it was."""
    own = guide(networks, "vsd", rate=0.03, rank=8)
    before = copy.deepcopy(networks.unet.state_dict())
    learner = own._own
    assert learner is not None
    with torch.no_grad():
        latents = networks.encode(image())

    def error() -> float:
        generator, found = torch.Generator().manual_seed(5), []
        for step in range(100, 1000, 200):
            noise = torch.randn(latents.shape, generator=generator)
            level = float(networks.levels[step])
            noisy = level**0.5 * latents + (1 - level) ** 0.5 * noise
            mine = learner.noise(noisy, step, Hints())
            found.append(float((mine - noise).square().mean()))
        return sum(found) / len(found)

    first = error()
    for step in range(15):
        own.note(look(image(), step))
    assert error() < 0.97 * first
    assert all(torch.equal(value, before[name]) for name, value in networks.unet.state_dict().items())
    assert all(parameter.grad is None for parameter in networks.unet.parameters())


def test_judging_learns_nothing(networks: Networks) -> None:
    own = learnt(networks)
    losses = [float(own.judge(look(image()))[0].detach()) for _ in range(2)]
    assert losses[0] == losses[1]
    own.note(look(image()))
    assert float(own.judge(look(image()))[0].detach()) != losses[0]


def test_a_restored_guide_continues_bit_for_bit(models: Path, networks: Networks) -> None:
    own = learnt(networks)
    state = copy.deepcopy(own.state())
    check_plain("score", state)
    own.note(look(image(7), 9))
    other = guide(load_networks(str(models / "plain"), "option model"), "vsd", rate=0.05)
    other.restore(state)
    other.note(look(image(7), 9))
    assert torch.equal(own.judge(look(image()))[0], other.judge(look(image()))[0])
    assert all(torch.equal(a, b) for a, b in zip(own.state()["layers"], other.state()["layers"], strict=True))
    with pytest.raises(ValueError, match="another model or rank"):
        guide(networks, "vsd", rank=2).restore(state)


def test_blocks_are_computed_again_to_the_same_gradient(networks: Networks) -> None:
    """What is held of the network while it is differentiated is a block; the result is that of holding all."""
    first = learnt(networks, steps=1)
    networks.unet.disable_gradient_checkpointing()
    other = guide(networks, "vsd", rate=0.05)
    networks.unet.disable_gradient_checkpointing()
    other.note(look(image(0), 0))
    for one, two in zip(first.state()["layers"], other.state()["layers"], strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(("interval", "stride"), [(50, 200), (200, 90), (1000, 10)])
def test_the_interval_gradient_is_that_of_the_formula(networks: Networks, interval: int, stride: int) -> None:
    own = guide(networks, "ism", interval=interval, stride=stride, least=0.45, most=0.55, last=0.5)
    latents, step, _ = drawn(own, networks, look(image()))
    assert 440 < step < 560
    bare = words_of(networks).unwanted
    levels = [*range(0, max(step - interval, 0), stride), max(step - interval, 0), step]
    levels = sorted(set(levels))
    now, share = latents, 1.0
    for at, after in itertools.pairwise(levels):
        noise = predicted(networks, now, at, bare)
        clear = (now - math.sqrt(1 - share) * noise) / math.sqrt(share)
        share = float(networks.levels[after])
        now = math.sqrt(share) * clear + math.sqrt(1 - share) * noise
    wanted = (1 - float(networks.levels[step])) * (guided(networks, now, step) - noise)
    torch.testing.assert_close(own.gradient(latents, look(image())), wanted, atol=1e-3, rtol=1e-3)


def test_intervals_need_no_noise(networks: Networks) -> None:
    """Looks that are judged at the same noise level have the same score, whatever their seed."""
    own = guide(networks, "ism", least=0.5, most=0.5, last=0.5)
    one, other = (own.judge(look(image(), seed=seed))[0] for seed in (0, 1))
    assert torch.equal(one, other)
    assert not own.state()


def depth(near: float) -> torch.Tensor:
    return torch.linspace(near, 3, SIDE).expand(SIDE, SIDE)


@pytest.mark.parametrize("way", ["sds", "vsd", "ism"])
@pytest.mark.parametrize("of", ["depth", "normal"])
def test_a_controlnet_sees_the_shape(controlled: Networks, way: str, of: str) -> None:
    own = guide(controlled, way, control_of=of, control="given")

    def judged(found: torch.Tensor) -> float:
        return float(own.judge(look(image(), depth=lambda: found, camera=CAMERA))[0].detach())

    assert judged(depth(1.0)) == judged(depth(1.0))
    assert judged(depth(1.0)) != judged(depth(2.0).mT)
    own.note(look(image(), depth=lambda: depth(1.0), camera=CAMERA))
    with pytest.raises(ConfigError, match="term score: option control: a ControlNet needs views with depth"):
        own.judge(look(image()))


def test_large_views_and_their_shape_are_seen_smaller(controlled: Networks) -> None:
    own = guide(controlled, "sds", control="given", size=64)
    picture = Planes(torch.rand(3, 80, 160))
    camera = CAMERA.resized(ImageSize(80, 160))
    view = Look(
        picture, torch.ones(80, 160), camera=camera, depth=lambda: torch.linspace(1, 2, 160).expand(80, 160)
    )
    hints = own._hints(controlled.encode(own._shown(picture, view)), view)
    assert hints.control is not None
    assert hints.control.shape == (3, 32, 64)
    assert float(hints.control[0, 0, 0]) > 0.95
    assert float(hints.control[0, 0, -1]) < 0.05


def test_options_reach_the_networks(models: Path) -> None:
    kind = GUIDES.get("score")
    scene = StageScene(1, content=lambda view: image(0))
    options = {
        **kind.options,
        "model": str(models / "plain"),
        "control": str(models / "control"),
        "way": "vsd",
    }
    made = kind.make(GuideInputs(options, [Style(text="jade")], scene, SIDE, BACKGROUND))
    assert float(made.judge(look(image(), depth=lambda: depth(1.0)))[0].detach()) > 0
    with pytest.raises(ConfigError, match="control_of=normal"):
        Scoring(control_of="normal")
