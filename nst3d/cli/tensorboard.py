"""Logs a job's losses for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nst3d.errors import MissingDependencyError
from nst3d.pipeline.runtime.events import Handler, Stepped


class TensorBoardLog(Handler):
    """Logs the loss, its parts and the speed of every step to a TensorBoard folder."""

    def __init__(self, folder: Path) -> None:
        """Raises MissingDependencyError without TensorBoard. The first step creates the folder."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingDependencyError(
                "--tensorboard needs TensorBoard, which is not installed: pip install tensorboard"
            ) from None
        self._make, self._folder = SummaryWriter, folder
        self._writer: Any = None

    def phase(self, name: str) -> None:
        """Flush the file."""
        if self._writer is not None:
            self._writer.flush()

    def step(self, event: Stepped) -> None:
        """Log a step."""
        progress = event.progress
        if self._writer is None:
            self._writer = self._make(str(self._folder))
        self._writer.add_scalar("loss", progress.loss, progress.iteration)
        for name, value in progress.losses.items():
            self._writer.add_scalar(f"losses/{name}", value, progress.iteration)
        speed = progress.views / max(progress.seconds, 1e-9)
        self._writer.add_scalar("views_per_second", speed, progress.iteration)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
