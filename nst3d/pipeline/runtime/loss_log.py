"""Keeps the losses of every step of a painting, for plots."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from nst3d.files import write_bytes
from nst3d.pipeline.runtime.events import Handler, Stepped

LOSSES = "losses.csv"
"""The file of losses in a run's folder."""


class LossLog(Handler):
    """A listener that writes losses.csv: step, stage, loss and its weighted parts, a line for each step."""

    def __init__(self) -> None:
        self._rows: list[dict[str, str]] = []

    def step(self, event: Stepped) -> None:
        """Keep the losses of a step."""
        progress = event.progress
        numbers = {"loss": progress.loss, **progress.losses}
        row = {name: f"{value:.6g}" for name, value in numbers.items()}
        self._rows.append({"step": str(progress.iteration), "stage": str(progress.stage), **row})

    def write(self, folder: Path) -> list[Path]:
        """Write the file after the lines that an interrupted run left before the first step; none without steps."""
        if not self._rows:
            return []
        first = int(self._rows[0]["step"])
        before = [row for row in read_losses(folder) if int(row["step"]) < first] if first > 1 else []
        rows = [*before, *self._rows]
        names = list(dict.fromkeys(name for row in rows for name in row))
        stream = io.StringIO()
        writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_bytes(folder / LOSSES, stream.getvalue().encode())
        return [folder / LOSSES]


def read_losses(folder: Path) -> list[dict[str, str]]:
    """The lines of a run's losses.csv by column; none if there is no such file, or it is not one."""
    try:
        text = (folder / LOSSES).read_text(encoding="utf-8")
        rows = [
            {name: value for name, value in row.items() if name and isinstance(value, str)}
            for row in csv.DictReader(io.StringIO(text))
        ]
    except (OSError, ValueError, csv.Error):
        return []
    return [row for row in rows if row.get("step", "").isdigit()]
