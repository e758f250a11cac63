"""Files that ship with the package: presets and the demo's scenes."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]


def resource(name: str) -> Path:
    """The folder `name` (configs or scenes): inside an installed package, or beside it in a checkout."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
