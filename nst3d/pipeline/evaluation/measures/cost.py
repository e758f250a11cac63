"""What a run cost, as it measured itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nst3d.metrics.measured import Better, Measured
from nst3d.pipeline.evaluation.rows import Row
from nst3d.value_types import is_number

_KEPT: dict[str, Better] = {
    "prepare_s": "lower",
    "paint_s": "lower",
    "write_s": "lower",
    "wall_s": "lower",
    "peak_rss_gb": "lower",
    "steps_per_s": "higher",
    "views_per_s": "higher",
    "frames_per_second": "higher",
    "iterations": "neither",
}


def cost(row: Row) -> Iterator[Measured]:
    """Seconds by phase, speed and memory from the run's own metrics.json, and what its files take on the disk.

    How fast frames were rendered for the evaluation itself is known of what was not painted, too.
    """
    if row.take.frame_s:
        yield Measured("rendered_frames_per_s", "cost", "higher", (1 / row.take.frame_s,))
    if row.run is None:
        return
    for name, better in _KEPT.items():
        value: Any = row.run.metrics.get(name)
        if is_number(value) and math.isfinite(value):  # a file may say NaN
            yield Measured(name, "cost", better, (float(value),))
    yield Measured("disk_mb", "cost", "lower", (_size(row.run.path) / 1e6,))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
