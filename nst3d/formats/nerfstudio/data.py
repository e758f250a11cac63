"""Locates the training data of a nerfstudio run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def told_data(config: Mapping[str, Any]) -> str | None:
    """The path of the data in a run's config, or None."""
    manager = _below(_below(config, "pipeline"), "datamanager")
    data = manager.get("data") or _below(manager, "dataparser").get("data")
    return data if isinstance(data, str) and data != "." else None


def find_data(folder: Path, told: str) -> Path | None:
    """The current path of that data, for the run in a folder; None if it does not exist."""
    # A relative path starts at nerfstudio's working directory, whose outputs/ held the run.
    started = [Path(), *folder.resolve().parents[3:4]]
    try:
        return next((start / told for start in started if (start / told).exists()), None)
    except (OSError, ValueError):  # not a valid path
        return None


def _below(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section of a config; empty if missing."""
    below = config.get(name)
    return below if isinstance(below, Mapping) else {}
