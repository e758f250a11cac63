from __future__ import annotations

import pickle

import pytest
import torch
from quadratic import canvas, run_of, stylize, to_target

from nst3d.errors import InputError, OutputError
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.checkpoint import load_checkpoint, save_checkpoint
from nst3d.stylize.engine import RunState
from nst3d.stylize.schedule import Schedule, Stage


def schedule(optimiser: str) -> Schedule:
    return Schedule((Stage(32, 3, 0.5), Stage(64, 6, 0.5)), optimiser=optimiser)


def state_of(optimiser: str = "adam", steps: int = 5) -> RunState:
    run = run_of(canvas(TableOptions()), to_target, schedule(optimiser))
    for _ in zip(range(steps), run):
        pass
    return run.state()


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop", "lbfgs"])
def test_a_run_goes_on_from_disk_as_from_memory(optimiser, tmp_path) -> None:
    state = state_of(optimiser)
    path = tmp_path / "a run.pt"
    save_checkpoint(path, state, "fingerprint")
    stored = load_checkpoint(path, "fingerprint").state
    assert (stored.stage, stored.iteration, stored.done) == (1, 2, 5)
    assert (stored.queue, stored.history) == (state.queue, state.history)
    assert all(torch.equal(a, b) for a, b in zip(stored.canvas, state.canvas, strict=True))
    ends = []
    for resume in (state, stored):
        painted = canvas(TableOptions())
        losses = [p.loss for p in stylize(painted, to_target, schedule(optimiser), resume)]
        ends.append((losses, painted.finest_colours()))
    assert len(ends[0][0]) == 4
    assert ends[0][0] == ends[1][0]
    assert torch.equal(ends[0][1], ends[1][1])
    assert [p.name for p in tmp_path.iterdir()] == ["a run.pt"]


def test_another_run_is_refused(tmp_path) -> None:
    save_checkpoint(tmp_path / "c.pt", state_of(), "this one")
    with pytest.raises(InputError, match=r"c\.pt: belongs to a run with another scene"):
        load_checkpoint(tmp_path / "c.pt", "another")


def test_a_missing_file(tmp_path) -> None:
    with pytest.raises(InputError, match=r"none\.pt: cannot be read"):
        load_checkpoint(tmp_path / "none.pt", "")


@pytest.mark.parametrize("keep", [0, 1, 40, 0.5, 0.98])
def test_a_truncated_file(tmp_path, keep) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, state_of(), "f")
    data = path.read_bytes()
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    with pytest.raises(InputError, match=r"c\.pt: not a usable checkpoint"):
        load_checkpoint(path, "f")


@pytest.mark.parametrize(
    "content",
    [{}, {"version": 2}, [1, 2], "text", 3, {"version": 2, "fingerprint": "f", "state": {"colour": 1}}],
)
def test_other_contents(tmp_path, content) -> None:
    path = tmp_path / "c.pt"
    torch.save(content, path)
    with pytest.raises(InputError, match="not a usable checkpoint"):
        load_checkpoint(path, "f")


def test_an_old_checkpoint_says_why_it_cannot_be_continued(tmp_path) -> None:
    path = tmp_path / "c.pt"
    torch.save({"version": 1, "fingerprint": "f", "state": {"stage": 0}}, path)
    with pytest.raises(InputError, match=r"c\.pt: was written by another version of nst3d .*`overwrite`"):
        load_checkpoint(path, "f")


def test_nothing_in_a_file_is_executed(tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    path = tmp_path / "c.pt"
    torch.save({"version": 2, "fingerprint": "f", "state": Evil()}, path)
    with pytest.raises(InputError, match="not a usable checkpoint"):
        load_checkpoint(path, "f")
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError, match="not a usable checkpoint") as error:
        load_checkpoint(path, "f")
    assert "weights_only" not in str(error.value)  # torch would advise to execute it
    assert not (tmp_path / "written").exists()


def test_a_folder_that_is_not_there(tmp_path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(tmp_path / "none" / "c.pt", state_of(), "f")


def _edited(state: RunState, change: str) -> None:
    """Change a state as someone would who edits its file."""
    tables = state.work["optimiser"]["state"][0]
    name = next(k for k, v in tables.items() if isinstance(v, torch.Tensor) and v.dim() > 1)
    if change == "NaN":
        state.canvas[0][0] = torch.nan
    elif change == "infinite average":
        tables[name][0] = torch.inf
    elif change == "stage":
        state.stage = -1
    elif change == "history":
        state.history = ["a"]
    elif change == "average of another shape":
        tables[name] = tables[name][:2]
    elif change == "turned average":
        tables[name] = tables[name].T.contiguous()
    elif change == "paint of another shape":
        state.canvas[0] = state.canvas[0][:1]
    elif change == "no optimiser":
        del state.work["optimiser"]
    elif change == "no paint":
        state.canvas = state.canvas[:1]
    elif change == "generator":
        state.generator = torch.zeros(3)
    else:
        state.queue = [10**6]


def _resumed(path, optimiser: str) -> None:
    stylize(canvas(TableOptions()), to_target, schedule(optimiser), load_checkpoint(path, "f").state)


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop"])
@pytest.mark.parametrize(
    "change",
    [
        *("NaN", "infinite average", "stage", "history", "average of another shape", "turned average"),
        *("paint of another shape", "no optimiser", "no paint", "generator", "view"),
    ],
)
def test_a_checkpoint_that_was_edited(tmp_path, change, optimiser) -> None:
    state = state_of(optimiser)
    _edited(state, change)
    save_checkpoint(tmp_path / "c.pt", state, "f")
    with pytest.raises(InputError, match=r"not a usable checkpoint|does not fit this painting") as caught:
        _resumed(tmp_path / "c.pt", optimiser)
    assert "`overwrite`" in str(caught.value)
