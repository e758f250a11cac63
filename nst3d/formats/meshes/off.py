"""OFF, the Object File Format of Geomview, read only."""

from __future__ import annotations

import re
from pathlib import Path

from nst3d.errors import InputError
from nst3d.formats.meshes.through_trimesh import Foreign, register_foreign

_COUNTED = re.compile(rb"^[ \t]*(\d+)[ \t]+(\d+)", re.MULTILINE)


def _check(data: bytes, path: Path) -> None:
    """Raise InputError unless as many lines follow as the header counts."""
    lines = [line for line in data.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    counted = _COUNTED.search(b"\n".join(lines[:2]))
    if counted is not None and int(counted[1]) + int(counted[2]) > len(lines):
        raise InputError(
            f"{path}: truncated; it declares {int(counted[1])} vertices and {int(counted[2])} faces"
        )


def _lost(data: bytes) -> str:
    coloured = data.lstrip()[:5].upper().startswith(b"COFF")
    return "the colours of an OFF are not read; starting from grey" if coloured else ""


register_foreign("off", Foreign("off", "an OFF", check=_check, lost=_lost), (b"OFF", b"COFF"))
