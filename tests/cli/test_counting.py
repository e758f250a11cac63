"""How much of a phase's countable work is done, on the terminal and as plain lines."""

from __future__ import annotations

import pytest

from nst3d.cli.terminal import PaintBar
from nst3d.pipeline.runtime.events import Counted


def test_the_time_left_follows_from_the_time_so_far() -> None:
    assert Counted(30, 120, "photographs", 12.0).seconds_left == pytest.approx(36)
    assert Counted(120, 120, "photographs", 12.0).seconds_left == 0


@pytest.mark.parametrize("quiet", [False, True])
def test_without_a_terminal_a_line_every_ten_seconds_says_how_far_it_is(capfd, quiet) -> None:
    with PaintBar(quiet) as bar:
        for done in range(1, 5):
            bar(Counted(done, 4, "photographs", done * 8.0))
    lines = capfd.readouterr().err.splitlines()
    assert lines == ([] if quiet else ["2/4 photographs, 16 s left", "4/4 photographs, 0 s left"])


def test_on_a_terminal_the_count_leaves_the_bar_when_all_is_done(monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with PaintBar() as bar:
        bar(Counted(1, 2, "photographs", 0.5))
        (task,) = bar._bar.tasks
        assert (task.description, task.completed, task.total) == ("photographs", 1, 2)
        bar(Counted(2, 2, "photographs", 1.0))
        assert bar._bar.tasks == []
