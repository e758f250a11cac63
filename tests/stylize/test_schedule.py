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


@pytest.mark.parametrize("stage", [(8, 5, 0.1), (64, -1, 0.1), (64, 5, 0.0), (64, 5, -1.0)])
def test_stages_that_make_no_sense(stage) -> None:
    with pytest.raises(ConfigError, match="makes no sense"):
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
