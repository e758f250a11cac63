from __future__ import annotations

import pytest

from nst3d.errors import ConfigError
from nst3d.stylize.schedule import Schedule, Stage


def test_rates_fall_exponentially_from_first_to_last() -> None:
    stage = Stage(64, 5, 0.16, final_rate=0.01)
    assert [stage.rate(k) for k in range(5)] == pytest.approx([0.16, 0.08, 0.04, 0.02, 0.01])


def test_rates_stay_where_no_end_is_given_or_there_is_one_step() -> None:
    assert Stage(64, 5, 0.1).rate(4) == 0.1
    assert Stage(64, 1, 0.1, final_rate=0.01).rate(0) == 0.1


def test_totals() -> None:
    schedule = Schedule((Stage(64, 5, 0.1), Stage(128, 7, 0.1), Stage(96, 1, 0.1)))
    assert schedule.finest == 128
    assert schedule.total == 13


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ((8, 5, 0.1), "size is 8: expected a number from 16 to 8192"),
        ((64, -1, 0.1), "iterations is -1: expected a number from 0"),
        ((64, 5, 0.0), "learning_rate is 0: expected a number above 0"),
        ((64, 5, -1.0), "learning_rate is -1: expected a number above 0"),
    ],
)
def test_stages_that_make_no_sense(stage, says) -> None:
    with pytest.raises(ConfigError, match=rf"setting schedule\.stages\[0\]\.{says}"):
        Schedule((Stage(*stage),))


def test_a_schedule_needs_a_stage() -> None:
    with pytest.raises(ConfigError, match="at least one stage"):
        Schedule(())


@pytest.mark.parametrize(
    "values", [{"final_rate": 0.0}, {"final_rate": -0.1}, {"learning_rate": float("nan")}]
)
def test_rates_that_make_no_sense(values) -> None:
    with pytest.raises(ConfigError):
        Schedule((Stage(**({"size": 64, "iterations": 5, "learning_rate": 0.1} | values)),))


@pytest.mark.parametrize("values", [{"views_per_step": 0}, {"patience": -1}])
def test_settings_that_make_no_sense(values) -> None:
    with pytest.raises(ConfigError):
        Schedule((Stage(64, 5, 0.1),), **values)


def test_epochs_are_rounds_over_the_views() -> None:
    schedule = Schedule(
        (Stage(64, 0, 0.1, epochs=2, fit=True), Stage(64, 7, 0.1), Stage(64, 0, 0.1, epochs=0.5))
    )
    assert [s.iterations for s in schedule.over(5).stages] == [10, 7, 3]
    assert schedule.over(5).stages[0].fit
    pairs = Schedule(schedule.stages, views_per_step=2)
    assert [s.iterations for s in pairs.over(5).stages] == [5, 7, 2]
    together = Schedule(schedule.stages, optimiser="lbfgs")  # all views in each step
    assert [s.iterations for s in together.over(5).stages] == [2, 7, 1]


def test_sizes_keep_their_proportion_where_the_largest_is_too_much() -> None:
    schedule = Schedule((Stage(100, 5, 0.1), Stage(400, 7, 0.1)))
    assert [s.size for s in schedule.at_most(240).stages] == [60, 240]
    assert schedule.at_most(400) is schedule
    assert [s.size for s in schedule.at_most(40).stages] == [16, 40]
    assert [s.size for s in schedule.at_most(40, 25).stages] == [25, 40]
    assert [s.size for s in schedule.at_most(40, 50).stages] == [40, 40]


@pytest.mark.parametrize("epochs", [-1.0, float("nan"), float("inf")])
def test_epochs_that_make_no_sense(epochs) -> None:
    with pytest.raises(ConfigError, match="epochs"):
        Schedule((Stage(64, 5, 0.1, epochs=epochs),))
