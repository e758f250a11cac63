from __future__ import annotations

import pytest
import torch
from quadratic import PLAIN, ToTarget, canvas, run_of, to_target

from nst3d.stylize.schedule import Schedule, Stage

SCHEDULE = Schedule((Stage(32, 5, 0.05), Stage(64, 6, 0.03)), seed=1)


def test_a_run_stopped_between_stages_resumes_from_the_end_of_the_first() -> None:
    unbroken = canvas(PLAIN)
    losses = [p.loss for p in run_of(unbroken, to_target, SCHEDULE)]

    def stops(stage: Stage) -> ToTarget:
        if stage.size == 64:
            raise KeyboardInterrupt
        return ToTarget(stage.size / 64)

    going = run_of(canvas(PLAIN), stops, SCHEDULE)
    seen = []
    with pytest.raises(KeyboardInterrupt):
        seen.extend(p.loss for p in going)
    resumed = canvas(PLAIN)
    rest = list(run_of(resumed, to_target, SCHEDULE, going.state()))
    assert [p.iteration for p in rest] == [6, 7, 8, 9, 10, 11]
    assert [p.loss for p in rest] == losses[5:]
    assert torch.equal(resumed.finest_colours(), unbroken.finest_colours())
