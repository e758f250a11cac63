"""Settings that fit a time on a machine of some speed."""

from __future__ import annotations

import dataclasses

import pytest

from nst3d.errors import ConfigError
from nst3d.features.speed import flops_per_pixel
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.settings.effort import OVERHEAD, encoder_flops
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.terms import Term


def cost(config: PaintConfig) -> float:
    return OVERHEAD * encoder_flops(config.recipe, config.schedule, config.rig.views)


def test_the_work_is_that_of_all_encoded_pixels() -> None:
    recipe = Recipe(terms=(Term("gram", layers=("relu1_1",)), Term("content", 0.0)))
    schedule = Schedule((Stage(32, 3, 0.1), Stage(64, 5, 0.1), Stage(64, 9, 0.1, fit=True)), views_per_step=2)
    pixels = 2 * (3 * 32**2 + 5 * 64**2)
    assert encoder_flops(recipe, schedule, 7) == pixels * flops_per_pixel("vgg19", ("relu1_1",))
    rounds = dataclasses.replace(schedule, stages=(Stage(32, 0, 0.1, epochs=2),))
    assert encoder_flops(recipe, rounds, 7) == 14 * 32**2 * flops_per_pixel("vgg19", ("relu1_1",))
    halved = dataclasses.replace(recipe, reduce=2)
    assert encoder_flops(halved, schedule, 7) == encoder_flops(recipe, schedule, 7) / 4


def test_a_fast_machine_changes_nothing() -> None:
    config = PaintConfig()
    assert config.within(60, cost(config) / 60) is config


@pytest.mark.parametrize("name", ["default", "picture", "capture", "fine", "quick"])
def test_a_slower_machine_paints_less(name: str) -> None:
    config = load_preset(name)
    rungs = list(config.rungs())
    costs = [cost(rung) for rung in rungs]
    assert costs == sorted(costs, reverse=True)
    for share in (0.9, 0.5, 0.2, 0.1):
        smaller = config.within(10, share * cost(config) / 10)
        assert cost(smaller) <= share * cost(config)
        assert smaller in rungs
        assert smaller == config.with_size(smaller.schedule.finest).with_iterations(smaller.schedule.total)
    assert config.within(1, 1) == rungs[-1]


def test_rounds_over_the_views_become_steps() -> None:
    smaller = load_preset("arf").within(1, 1)
    assert 0 < smaller.schedule.total < load_preset("arf").schedule.over(24).total
    assert all(stage.epochs == 0 for stage in smaller.schedule.stages)


def test_the_shape_counts() -> None:
    config = PaintConfig()
    rate = cost(config)
    assert config.with_displacement(0.03).within(1, rate) != config.with_displacement(0.03)


@pytest.mark.parametrize(("seconds", "rate", "says"), [(0, 1e12, "seconds is 0"), (60, -1.0, "rate is -1")])
def test_no_time_and_no_speed_are_refused(seconds, rate, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        PaintConfig().within(seconds, rate)
