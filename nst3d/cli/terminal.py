"""Progress of a job in the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from nst3d.cli.errors import spoken
from nst3d.pipeline.runtime.events import Counted, Handler, Stepped

Self = TypeVar("Self", bound="_Bar")

_PRINTED = 10
"""Seconds between lines when not on a terminal."""


class _Bar:
    """A progress bar on stderr with notes above it; no bar without a terminal."""

    def __init__(self, quiet: bool, *columns: ProgressColumn) -> None:
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )

    def __enter__(self: Self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def note(self, text: str) -> None:
        """Print a note for the user, even when quiet."""
        self._console.print(f"note: {spoken(text)}", markup=False)


class PaintBar(_Bar, Handler):
    """A paint job's bar with iteration, losses, views/s and time left; plain lines without a terminal."""

    def __init__(self, quiet: bool = False) -> None:
        """`quiet` keeps notes and drops the rest."""
        super().__init__(quiet, MofNCompleteColumn(), TextColumn("{task.fields[detail]}"))
        self._quiet = quiet
        self._task: TaskID | None = None
        self._counting: TaskID | None = None
        self._printed = self._counted = 0.0

    def phase(self, name: str) -> None:
        """Print the phase of the job that begins."""
        if not self._quiet:
            self._console.print(f"{name} …", style="dim")

    def counted(self, event: Counted) -> None:
        """Move the bar of what is counted, which vanishes when all is done."""
        if self._counting is None:
            self._counting, self._counted = self._bar.add_task(event.things, detail=""), 0.0
        self._bar.update(self._counting, completed=event.done, total=event.total)
        if not (self._quiet or self._console.is_terminal) and event.seconds - self._counted > _PRINTED:
            self._counted = event.seconds
            left = f"{event.seconds_left:.0f} s left"
            self._console.print(f"{event.done}/{event.total} {event.things}, {left}", markup=False)
        if event.done == event.total:
            self._bar.remove_task(self._counting)
            self._counting = None

    def step(self, event: Stepped) -> None:
        """Move the bar."""
        progress = event.progress
        parts = " ".join(f"{k} {v:.3g}" for k, v in progress.losses.items())
        speed = progress.views / max(progress.seconds, 1e-9)
        detail = f"loss {progress.loss:.4g} ({parts}) {speed:.1f} views/s"
        if self._task is None:
            self._task = self._bar.add_task("painting", total=progress.total, detail=detail)
        self._bar.update(self._task, completed=progress.iteration, detail=detail)
        if not (self._quiet or self._console.is_terminal) and progress.seconds - self._printed > _PRINTED:
            self._printed = progress.seconds
            self._console.print(f"step {progress.iteration}/{progress.total} {detail}", markup=False)


class CountBar(_Bar):
    """A bar for countable work: frames, bytes."""

    def __init__(self, name: str, quiet: bool = False) -> None:
        """`quiet` keeps notes and drops the rest."""
        super().__init__(quiet, TaskProgressColumn())
        self._task = self._bar.add_task(name, total=None)

    def count(self, done: int, total: int) -> None:
        """Move the bar; `total` is 0 if unknown."""
        self._bar.update(self._task, completed=done, total=total or None)


class StageBar(_Bar):
    """A bar for each stage of a job, with counts; plain lines without a terminal."""

    def __init__(self, quiet: bool = False) -> None:
        """`quiet` keeps notes and drops the rest."""
        super().__init__(quiet, MofNCompleteColumn())
        self._quiet = quiet
        self._stages: dict[str, TaskID] = {}
        self._printed = 0.0

    def count(self, stage: str, done: int, total: int) -> None:
        """Move the bar of a stage; `total` is 0 if unknown."""
        new = stage not in self._stages
        if new:
            self._stages[stage] = self._bar.add_task(stage, total=None)
        self._bar.update(self._stages[stage], completed=done, total=total or None)
        due = new or done == total or time.monotonic() - self._printed > _PRINTED
        if due and not (self._quiet or self._console.is_terminal):
            self._printed = time.monotonic()
            self._console.print(f"{stage} {done}{f'/{total}' if total else ''}", markup=False)


def note(text: str) -> None:
    """Print a note for the user on stderr."""
    print(f"note: {spoken(text)}", file=sys.stderr)


def say(text: str) -> None:
    """Print a line of the command's output on stdout."""
    print(text)


def summarise(notes: Sequence[str], quiet: bool = False) -> None:
    """Print a run's notes once more at its end, on stderr: what was changed, left out or could not be done.

    `quiet`: not again, as they have just been printed with nothing between them.
    """
    if notes and not quiet:
        print("summary:", *(f"  {spoken(text)}" for text in notes), sep="\n", file=sys.stderr)
