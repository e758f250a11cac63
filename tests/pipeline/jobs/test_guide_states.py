"""A guide's state holds what a checkpoint can give back; anything else is refused after the first step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_jobs import TINY, job

from nst3d import Guide, Look, run_job
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
