"""Inspects a file: its contents, how well a rig sees it, and where paint would go."""

from __future__ import annotations

from pathlib import Path

from nst3d.files import PathLike
from nst3d.pipeline.captures.inspect import inspect_capture
from nst3d.pipeline.captures.reader import CaptureReader
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig


def inspect_file(
    path: PathLike, config: PaintConfig | None = None, reader: CaptureReader | None = None
) -> Report:
    """A report on any scene or capture, and where `config` (None: default) would put a mesh's paint.

    With a `reader`, the path is read as a capture.

    Raises InputError for a file that cannot be read, naming its kind.
    """
    path = Path(path)
    if reader is not None:
        return inspect_capture(path, reader)
    opened = open_path(path)
    if opened.kind.inspect is None:
        raise opened.refusal("inspect", ", which cannot be inspected")
    return opened.kind.inspect(opened, config or PaintConfig())
