"""The steps that take noise away."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nst3d.stylize.diffusion.denoise import Denoiser, Guidance, Hints, denoised, noised, steps_from
from nst3d.stylize.diffusion.networks import Networks, load_networks, prompts_of
from nst3d.stylize.diffusion.views import least_size, nearness, pooled, tiled, untiled
from nst3d.stylize.style import Style


@pytest.fixture(scope="module", params=["plain", "velocity"])
def networks(models: Path, request: pytest.FixtureRequest) -> Networks:
    return load_networks(str(models / request.param), "option model")


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_last_part_of_the_steps_is_taken(networks: Networks) -> None:
    every = steps_from(networks, 20, 1.0)
    assert len(every) == 20
    assert every == sorted(every, reverse=True)
    assert steps_from(networks, 20, 0.6) == every[-12:]
    assert steps_from(networks, 20, 0.0) == every[-1:]


def test_noise_replaces_as_much_power_as_it_has(networks: Networks) -> None:
    found = noised(networks, random(4, 64, 64), random(4, 64, 64, seed=1), 700)
    assert float(found.var()) == pytest.approx(1, abs=0.05)
    level = float(networks.scheduler.alphas_cumprod[700])
    wanted = networks.scheduler.add_noise(random(4, 64, 64), random(4, 64, 64, seed=1), torch.tensor(700))
    assert 0 < level < 1
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_steps_are_those_of_the_package(networks: Networks) -> None:
    """Without guidance, with what the network itself predicts."""
    prompts = prompts_of(networks, [Style(text="jade")])
    denoiser, steps = Denoiser(networks, prompts, Guidance(words=1.0)), steps_from(networks, 5, 1.0)
    start = random(4, 4, 4)
    (found,) = denoised(denoiser, networks, [start], [Hints()], steps)
    wanted = start[None]
    with torch.no_grad():
        for step in steps:
            output = networks.unet(wanted, step, encoder_hidden_states=prompts.wanted).sample
            wanted = networks.scheduler.step(output, step, wanted).prev_sample
    torch.testing.assert_close(found, wanted[0], atol=1e-3, rtol=1e-3)


def test_grids_are_taken_apart_again() -> None:
    maps = [random(2, 3, 5, seed=k) for k in range(6)]
    grids = tiled(maps, 2)
    assert [tuple(grid.shape) for grid in grids] == [(2, 6, 10)] * 2
    assert torch.equal(grids[0][:, 3:, :5], maps[2])
    assert all(torch.equal(a, b) for a, b in zip(maps, untiled(grids, 2, 6), strict=True))
    assert torch.equal(tiled(maps, 1)[5], maps[5])
    assert least_size([], 1) == (0, 0)


def test_statistics_are_those_of_all_positions() -> None:
    maps = [random(2, 3, 5), random(2, 4, 4, seed=1)]
    rows = torch.cat([m.flatten(1) for m in maps], 1)
    mean, deviation = pooled(maps, [1.0, 1.0])
    torch.testing.assert_close(mean, rows.mean(1))
    torch.testing.assert_close(deviation, rows.std(1, correction=0))
    mask = torch.zeros(4, 4)
    mask[0] = 1
    mean, _ = pooled(maps[1:], [mask])
    torch.testing.assert_close(mean, maps[1][:, 0].mean(1))


def test_near_is_light_and_nothing_is_black() -> None:
    depth = torch.tensor([[2.0, 4.0, torch.inf], [1.0, 2.0, torch.inf]])
    found = nearness(depth)
    torch.testing.assert_close(found[0], torch.tensor([[1 / 3, 0, 0], [1, 1 / 3, 0]]))
    assert torch.equal(found[0], found[2])
    assert not nearness(torch.full((2, 2), torch.inf)).any()
