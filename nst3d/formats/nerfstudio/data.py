"""Locates the training data of a nerfstudio run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nst3d.formats.io.files import OutsideError, lies_inside
from nst3d.formats.nerfstudio.run import METHODS


def told_data(config: Mapping[str, Any]) -> str | None:
    """The path of the data in a run's config, or None."""
    manager = _below(_below(config, "pipeline"), "datamanager")
    data = manager.get("data") or _below(manager, "dataparser").get("data")
    return data if isinstance(data, str) and data != "." else None


def find_data(folder: Path, told: str) -> Path | None:
    """The current path of that data, for the run in a folder; None if it does not exist.

    Raises OutsideError if it lies neither in the run's folder nor in the one where nerfstudio was started, unless
    the limits allow that.
    """
    started = _started_in(folder)
    outside = False
    for start in dict.fromkeys([Path(), *started]):
        try:
            found = (start / told).exists()
        except (OSError, ValueError):  # not a valid path
            return None
        if found and lies_inside(start / told, [folder, *started]):
            return start / told
        outside = outside or found
    if outside:
        raise OutsideError(
            f"{folder}: its data is in {told[:200]}, outside of the folder where the training was started; give `data`,"
            " its folder, or `allow_outside` to read it"
        )
    return None


def _started_in(folder: Path) -> list[Path]:
    """nerfstudio's working folder, from outputs/<experiment>/<method>/<time> in it; empty for a run that was moved."""
    run = folder.resolve()
    return list(run.parents[3:4]) if run.parent.name in METHODS else []


def _below(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section of a config; empty if missing."""
    below = config.get(name)
    return below if isinstance(below, Mapping) else {}
