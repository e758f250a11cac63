"""Where the data of a nerfstudio run is: what its config says, and whether it is still there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def told_data(config: Mapping[str, Any]) -> str | None:
    """Where a run's config says that its data was; None where it does not say."""
    manager = _below(_below(config, "pipeline"), "datamanager")
    data = manager.get("data") or _below(manager, "dataparser").get("data")
    return data if isinstance(data, str) and data != "." else None


def find_data(folder: Path, told: str) -> Path | None:
    """Where that is now, of the run in a folder; None where it is not there."""
    # nerfstudio takes a relative path from where it was started, whose outputs/ then held the run.
    started = [Path(), *folder.resolve().parents[3:4]]
    try:
        return next((start / told for start in started if (start / told).exists()), None)
    except (OSError, ValueError):  # no path at all
        return None


def _below(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a config; empty where it is not there."""
    below = config.get(name)
    return below if isinstance(below, Mapping) else {}
