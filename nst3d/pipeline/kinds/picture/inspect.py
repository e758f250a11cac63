"""Inspects a picture."""

from __future__ import annotations

from pathlib import Path

from nst3d.formats.picture import load_picture
from nst3d.pipeline.runtime.findings import Report


def inspect_picture(path: Path) -> Report:
    """A report on a picture's size and transparency. Raises InputError."""
    picture = load_picture(path)
    height, width = picture.pixels.shape[:2]
    alpha = picture.alpha is not None
    lines = ("kind: picture", f"size: {width}x{height}", f"alpha: {'yes' if alpha else 'no'}")
    facts = {"file": str(path), "kind": "picture", "width": width, "height": height, "alpha": alpha}
    return Report(lines, picture.notes, facts | {"problems": list(picture.notes)})
