from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from quadratic import LAYOUT, PLAIN, TARGET, ToTarget, canvas, run_of, stylize, to_target

from nst3d.errors import ConfigError
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.engine import Progress, RunState
from nst3d.stylize.schedule import Schedule, Stage

FINE = Stage(64, 24, 0.05)
TWO_STAGES = Schedule((Stage(32, 7, 0.05, final_rate=0.02), Stage(64, 9, 0.03)), seed=3)


def run(
    schedule: Schedule, options: TableOptions = PLAIN, resume: RunState | None = None, floor: float = 0.0
):
    """The canvas after the run, what it yielded, and the views that each stage's guide judged."""
    painted, guides = canvas(options), []

    def guide_of(stage: Stage) -> ToTarget:
        guides.append(ToTarget(stage.size / schedule.finest, floor))
        return guides[-1]

    progress = stylize(painted, guide_of, schedule, resume)
    return painted, progress, [g.seen for g in guides]


def stopped_after(steps: int, schedule: Schedule, options: TableOptions = PLAIN) -> RunState:
    going = run_of(canvas(options), to_target, schedule)
    for _ in zip(range(steps), going):
        pass
    return going.state()


@pytest.mark.parametrize(
    ("optimiser", "rate", "steps"), [("adam", 0.05, 240), ("rmsprop", 0.03, 240), ("lbfgs", 1.0, 12)]
)
def test_every_optimiser_finds_the_minimum(optimiser, rate, steps) -> None:
    schedule = Schedule((Stage(64, steps, rate, final_rate=rate / 10),), optimiser=optimiser)
    painted, progress, _ = run(schedule)
    assert progress[0].loss > 0.05
    assert progress[-1].loss < 1e-2 * progress[0].loss
    assert (painted.finest_colours() - TARGET).abs().max() < 0.1


@pytest.mark.parametrize("options", [TableOptions(), TableOptions(pyramid_levels=1), PLAIN])
def test_pyramid_scaling_and_clamping_find_it_too(options) -> None:
    painted, progress, _ = run(Schedule((Stage(64, 160, 0.05, final_rate=0.01),)), options)
    assert progress[-1].loss < 1e-2 * progress[0].loss
    assert (painted.finest_colours() - TARGET).abs().max() < 0.1


def test_every_view_once_a_round_in_an_order_that_the_seed_decides() -> None:
    orders = {}
    for seed in (0, 0, 1):
        _, _, (seen,) = run(Schedule((FINE,), seed=seed))
        assert len(seen) == 24
        for start in range(0, 24, 4):
            assert sorted(seen[start : start + 4]) == [0, 1, 2, 3]
        assert orders.setdefault(seed, seen) == seen
    assert orders[0] != orders[1]
    assert orders[0][:4] != orders[0][4:8] or orders[0][4:8] != orders[0][8:12]


def test_several_views_a_step_average_their_gradients() -> None:
    _, progress, (seen,) = run(Schedule((Stage(64, 6, 0.05),), views_per_step=3))
    assert len(seen) == 18
    assert sorted(seen[:4]) == [0, 1, 2, 3]
    assert progress[-1].views == 18
    whole, four, (seen,) = run(Schedule((Stage(64, 5, 0.05),), views_per_step=4))
    target = float((0.5 - TARGET).square().mean())
    assert four[0].loss == pytest.approx(target)
    assert four[0].losses["distance"] == pytest.approx(target)
    assert whole.finest_colours().shape == TARGET.shape


def test_lbfgs_looks_at_all_views() -> None:
    _, progress, (seen,) = run(Schedule((Stage(64, 3, 1.0),), optimiser="lbfgs"))
    assert seen[:8] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert len(seen) % 4 == 0
    assert progress[0].loss == pytest.approx(float((0.5 - TARGET).square().mean()))


def test_progress_counts() -> None:
    _, progress, seen = run(TWO_STAGES)
    assert [p.iteration for p in progress] == list(range(1, 17))
    assert [p.stage for p in progress] == [0] * 7 + [1] * 9
    assert {p.total for p in progress} == {16}
    assert [len(s) for s in seen] == [7, 9]
    assert all(later.seconds >= before.seconds for before, later in pairwise(progress))
    assert isinstance(progress[0], Progress)


def test_same_seed_same_bytes() -> None:
    first, losses, _ = run(TWO_STAGES, TableOptions())
    second, again, _ = run(TWO_STAGES, TableOptions())
    assert torch.equal(first.finest_colours(), second.finest_colours())
    assert [p.loss for p in losses] == [p.loss for p in again]


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop", "lbfgs"])
@pytest.mark.parametrize("steps", [3, 7, 10, 16])
def test_a_resumed_run_ends_exactly_where_an_unbroken_one_does(optimiser, steps) -> None:
    schedule = replace(TWO_STAGES, optimiser=optimiser)
    options = TableOptions(pyramid_levels=2)
    whole, progress, _ = run(schedule, options)
    resumed, rest, _ = run(schedule, options, stopped_after(steps, schedule, options))
    assert [(p.stage, p.iteration, p.loss) for p in rest] == [
        (p.stage, p.iteration, p.loss) for p in progress[steps:]
    ]
    assert torch.equal(resumed.table.colours(), whole.table.colours())


def test_a_snapshot_stays_as_it_was_while_the_run_goes_on() -> None:
    going = run_of(canvas(), to_target, TWO_STAGES)
    steps = iter(going)
    for _ in range(9):
        next(steps)
    snapshot = going.state()
    expected = [p.loss for p in steps]
    _, rest, _ = run(TWO_STAGES, resume=snapshot)
    assert [p.loss for p in rest] == expected


def test_a_plateau_ends_a_stage() -> None:
    schedule = Schedule(
        (Stage(64, 400, 0.05), Stage(64, 2, 0.05)), views_per_step=4, patience=10, min_gain=0.01
    )
    _, progress, _ = run(schedule, floor=0.05)
    first = [p.loss for p in progress if p.stage == 0]
    assert 20 <= len(first) < 100
    assert sum(first[-10:]) > 0.99 * sum(first[-20:-10])
    assert sum(first[-11:-1]) <= 0.99 * sum(first[-21:-11])
    assert progress[-1].stage == 1
    assert progress[-1].iteration == len(first) + 2


def test_no_patience_no_early_end() -> None:
    _, progress, _ = run(Schedule((Stage(64, 60, 1e-9),)))
    assert len(progress) == 60


def test_rates_follow_the_stage() -> None:
    """One step of Adam moves every colour by the rate: the first of a stage by its learning rate."""
    painted, _, _ = run(Schedule((Stage(64, 1, 0.04),), views_per_step=4))
    moved = (painted.finest_colours() - 0.5)[(TARGET - 0.5).abs() > 0.05].abs()
    torch.testing.assert_close(moved, torch.full_like(moved, 0.04), rtol=1e-3, atol=0)


def test_a_stage_without_steps_still_carries_the_paint_over() -> None:
    painted, progress, _ = run(Schedule((Stage(32, 5, 0.05), Stage(64, 0, 0.05))))
    assert len(progress) == 5
    assert painted.table.layout == LAYOUT


def test_a_loss_that_is_no_number_is_said() -> None:
    class Broken(ToTarget):
        def judge(self, look):
            loss, parts = super().judge(look)
            return loss * torch.nan, parts

    with pytest.raises(ConfigError, match="the loss is NaN or infinite"):
        stylize(canvas(), lambda stage: Broken(1.0), Schedule((FINE,)))


@pytest.mark.parametrize(("optimiser", "views_per_step"), [("adam", 1), ("adam", 3), ("lbfgs", 1)])
def test_every_look_of_a_step_is_noted_once_however_often_it_is_judged(optimiser, views_per_step) -> None:
    guide = ToTarget(1.0)
    schedule = Schedule((Stage(64, 4, 0.5),), optimiser=optimiser, views_per_step=views_per_step)
    stylize(canvas(), lambda stage: guide, schedule)
    assert len(guide.noted) == 4 * (4 if optimiser == "lbfgs" else views_per_step)
    assert len(guide.seen) >= len(guide.noted)


def test_a_finished_run_knows_its_losses_when_it_is_resumed() -> None:
    going = run_of(canvas(), to_target, TWO_STAGES)
    assert not going.finished
    progress = list(going)
    assert going.finished
    again = run_of(canvas(), to_target, TWO_STAGES, going.state())
    assert again.finished
    assert list(again) == []
    metrics = again.metrics()
    assert metrics["iterations"] == 16
    assert metrics["loss"] == progress[-1].loss
    assert metrics["losses"] == progress[-1].losses
    assert metrics["loss_first"] == progress[0].loss


def test_speed_is_told_in_steps_and_in_views() -> None:
    going = run_of(canvas(), to_target, Schedule((Stage(64, 4, 0.05),), views_per_step=3))
    list(going)
    found = going.metrics()
    assert found["views_per_s"] == pytest.approx(3 * found["steps_per_s"], abs=0.02)
