"""The kinds "capture", which can only be inspected, and "photographs", which first need poses."""

from __future__ import annotations

import shlex
from pathlib import Path

from nst3d.formats.captures.bare import how_to_pose, is_bare
from nst3d.formats.captures.registry import is_capture
from nst3d.pipeline.captures.inspect import inspect_capture
from nst3d.pipeline.kinds.kind import Kind, Opened
from nst3d.pipeline.kinds.registry import register_kind
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig


def _inspect(opened: Opened, config: PaintConfig) -> Report:
    return inspect_capture(opened.path)


def _unready(path: Path) -> str:
    return (
        f"{path}: is a capture (photographs with poses); make a scene from it first: nst3d reconstruct"
        f" {shlex.quote(str(path))} --out field.npz"
    )


register_kind(
    Kind(
        name="capture",
        one="a capture",
        many="captures",
        sniff=is_capture,
        rank=60,
        inspect=_inspect,
        unready=_unready,
    )
)
register_kind(
    Kind(
        name="photographs",
        one="photographs without camera poses",
        many="photographs without camera poses",
        sniff=is_bare,
        rank=65,
        unready=how_to_pose,
    )
)
