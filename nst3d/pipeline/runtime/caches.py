"""The user's folder for what can be made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER_VARIABLE = "NST3D_CACHE"
"""Environment variable with another folder; "off" keeps nothing."""


def cache_folder() -> Path | None:
    """NST3D_CACHE if set, otherwise a folder in the system's place for what can be made again; None: keep nothing."""
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return None if given.lower() == "off" else Path(given)
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "nst3d"
