"""Saves and finds a run's checkpoint."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from nst3d.errors import OutputError
from nst3d.pipeline.runtime.events import DISPLACING, Began, Event, Stepped
from nst3d.stylize.checkpoint import CheckpointContent, load_checkpoint, save_checkpoint
from nst3d.stylize.engine import RunState


class Keeper:
    """Saves and finds a run's checkpoint at `path`. As an event listener, it saves one periodically."""

    def __init__(
        self,
        path: Path,
        fingerprint: str,
        every: float,
        resume: bool,
        note: Callable[[str], None] | None = None,
    ) -> None:
        """`every`: seconds between checkpoints (0: only on request); `resume`: continue an earlier run.

        `note` is told of checkpoints that cannot be written.
        """
        self._note = note or (lambda text: None)
        self._path, self._fingerprint, self._every, self._resume = path, fingerprint, every, resume
        self._last = time.perf_counter()
        self._shape: RunState | None = None
        self._displacing = False

    def __call__(self, event: Event) -> None:
        """Write a checkpoint after a step if it is time."""
        if isinstance(event, Began):
            self._displacing = event.name == DISPLACING
        elif isinstance(event, Stepped) and self.due:
            (self.keep_shape if self._displacing else self.keep)(event.snapshot())

    def resumed(self) -> RunState | None:
        """The state to continue from, or None to start over. InputError if requested but missing."""
        return self._load().state if self._resume else None

    def resumed_shape(self) -> RunState | None:
        """The state of the displacement, or None to start over. InputError as in `resumed`."""
        if self._resume:
            self._shape = self._load().shape
        return self._shape

    def keep(self, state: RunState) -> bool:
        """Write a checkpoint of a painting; False, with a note, if it cannot be written: the painting goes on."""
        self._last = time.perf_counter()
        try:
            save_checkpoint(self._path, state, self._fingerprint, self._shape)
        except OutputError as error:
            self._note(f"{error}: without this checkpoint, the painting so far cannot be resumed")
            return False
        return True

    def keep_shape(self, state: RunState) -> bool:
        """Write a checkpoint of a mesh being displaced, as `keep` does; all later ones contain its shape, too."""
        self._shape = state
        return self.keep(RunState())

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self._every > 0 and time.perf_counter() - self._last > self._every

    def forget(self) -> None:
        """Remove the checkpoint of a finished run."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _load(self) -> CheckpointContent:
        return load_checkpoint(self._path, self._fingerprint)
