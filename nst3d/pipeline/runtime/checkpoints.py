"""Keeps a run's checkpoint, and finds it again."""

from __future__ import annotations

import time
from pathlib import Path

from nst3d.pipeline.runtime.out_folder import need_checkpoint
from nst3d.stylize.checkpoint import load_checkpoint, load_shape, save_checkpoint
from nst3d.stylize.engine import Run, RunState
from nst3d.stylize.shape.steps import ShapeState


class Keeper:
    """Keeps a run's checkpoint at `path`, and finds it again."""

    def __init__(self, path: Path, fingerprint: str, every: float, resume: bool) -> None:
        """Every so many seconds (0: never by itself); `resume` asks for what an earlier run kept."""
        self._path, self._fingerprint, self._every, self._resume = path, fingerprint, every, resume
        self._last = time.perf_counter()
        self._shape: ShapeState | None = None

    def resumed(self) -> RunState | None:
        """The state to go on from, or None to start anew. InputError if it was asked for and is not there."""
        if not self._resume:
            return None
        need_checkpoint(self._path)
        return load_checkpoint(self._path, self._fingerprint)

    def resumed_shape(self) -> ShapeState | None:
        """How far the mesh was displaced, or None to start anew. InputError as `resumed`."""
        if self._resume:
            need_checkpoint(self._path)
            self._shape = load_shape(self._path, self._fingerprint)
        return self._shape

    def keep(self, run: Run) -> None:
        """Write a checkpoint."""
        self._save(run.state())

    def keep_shape(self, state: ShapeState) -> None:
        """Write a checkpoint of a mesh that is being displaced; all later ones hold its shape, too."""
        self._shape = state
        self._save(RunState())

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self._every > 0 and time.perf_counter() - self._last > self._every

    def now_and_then(self, run: Run) -> None:
        """Write a checkpoint if it is time."""
        if self.due:
            self.keep(run)

    def _save(self, state: RunState) -> None:
        save_checkpoint(self._path, state, self._fingerprint, self._shape)
        self._last = time.perf_counter()

    def forget(self) -> None:
        """Remove the checkpoint of a run that is done."""
        self._path.unlink(missing_ok=True)
