"""A guide's state holds what a checkpoint can give back; anything else is refused after the first step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_jobs import TINY, Listener, job

from nst3d import Guide, Handler, Look, Schedule, Stage, Stepped, run_job
from nst3d.errors import ConfigError
from nst3d.stylize.checkpoint import load_checkpoint, save_checkpoint
from nst3d.stylize.engine import RunState
from nst3d.stylize.guide import GuideSum, Weighted
from nst3d.stylize.plain_state import check_plain

PLAIN = {"a": [1, 2.0, None, True, (3, "b", b"c")], 4: {"d": torch.arange(3)}, "e": torch.float32}


class Remembers(Guide):
    """Has the state that it is given."""

    def __init__(self, state) -> None:
        self.background, self.kept = torch.zeros(3), state

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        return look.image.sum() * 0, {}

    def state(self):
        return self.kept


def test_what_passes_can_be_read_back(tmp_path) -> None:
    check_plain("memory", PLAIN)
    save_checkpoint(tmp_path / "a.pt", RunState(work={"guide": PLAIN}), "f")
    again = load_checkpoint(tmp_path / "a.pt", "f").state.work["guide"]
    assert torch.equal(again[4].pop("d"), torch.arange(3))
    assert again == PLAIN | {4: {}}


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"mean": np.float64(1)}, r"its state has a numpy.float64 at \['mean'\]"),
        ({"a": [0, {"b": np.zeros(3)}]}, r"has a numpy.ndarray at \['a'\]\[1\]\['b'\]"),
        ({"path": Path("a")}, r"Path at \['path'\]"),
        ({"f": len}, r"has a builtin_function_or_method at \['f'\]"),
        ({np.int64(1): 0}, r"has a numpy.int64 at .*\(the key\)"),
        ([1], "is a list, expected a dict"),
    ],
)
def test_what_a_checkpoint_cannot_hold_is_refused_with_the_guides_name(state, says, inputs, tmp_path) -> None:
    with pytest.raises(ConfigError, match=rf"guide 'memory': .*{says}"):
        GuideSum({"memory": Weighted(Remembers(state))}, torch.zeros(3)).state()
    with pytest.raises(ConfigError, match="guide 'memory'"):
        run_job(
            job(inputs, tmp_path / "out", TINY, "photo.png"), guides={"memory": lambda made: Remembers(state)}
        )


class TurnsForeign(Remembers):
    """Has a state that a checkpoint holds, until it has noted three looks."""

    def __init__(self) -> None:
        super().__init__({})
        self.noted = 0

    def note(self, look: Look) -> None:
        self.noted += 1
        self.kept = {"mean": np.zeros(3)} if self.noted > 2 else {}


class StopsAt(Handler):
    """Ctrl-C after some steps."""

    def step(self, event: Stepped) -> None:
        if event.progress.iteration == 4:
            raise KeyboardInterrupt


def test_a_state_that_turns_foreign_costs_the_checkpoint_alone(inputs, tmp_path) -> None:
    listener = Listener()
    config = replace(TINY, schedule=Schedule((Stage(48, 9, 0.05),)))
    painting = job(inputs, tmp_path / "out", config, "photo.png")
    result = run_job(painting, [listener, StopsAt()], guides={"memory": lambda made: TurnsForeign()})
    assert result.interrupted
    assert (tmp_path / "out" / "painted.png").is_file()
    assert any("no checkpoint to resume from: guide 'memory'" in note for note in listener.notes)
