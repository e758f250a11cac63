"""What a run cost, as it measured itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nst3d.metrics.measured import Better, Measured
from nst3d.pipeline.evaluation.rows import Row

_KEPT: dict[str, Better] = {
    "prepare_s": "lower",
    "paint_s": "lower",
    "write_s": "lower",
    "wall_s": "lower",
    "peak_rss_gb": "lower",
    "views_per_s": "higher",
    "frames_per_second": "higher",
    "iterations": "neither",
}


def cost(row: Row) -> Iterator[Measured]:
    """Seconds by phase, speed and memory from the run's own metrics.json, and what its files take on the disk."""
    if row.run is None:
        return
    for name, better in _KEPT.items():
        value = row.run.metrics.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Measured(name, "cost", better, (float(value),))
    yield Measured("disk_mb", "cost", "lower", (_size(row.run.path) / 1e6,))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
