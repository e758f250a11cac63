"""Looks into a file: what it holds, how well a rig sees it, and where paint would go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nst3d.files import PathLike
from nst3d.formats.kinds import SceneKind, kind_of
from nst3d.formats.splats.points import is_point_cloud
from nst3d.pipeline.captures.inspect import inspect_capture
from nst3d.pipeline.captures.reader import CaptureReader
from nst3d.pipeline.kinds.mesh.inspect import inspect_mesh
from nst3d.pipeline.kinds.picture.inspect import inspect_picture
from nst3d.pipeline.kinds.radiance.inspect_field import inspect_field
from nst3d.pipeline.kinds.radiance.inspect_points import inspect_points
from nst3d.pipeline.kinds.radiance.inspect_run import inspect_nerf
from nst3d.pipeline.kinds.radiance.inspect_splats import inspect_splats
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig


def inspect_file(
    path: PathLike, config: PaintConfig | None = None, reader: CaptureReader | None = None
) -> Report:
    """What is in a scene of any kind or a capture, and where `config` (None: default) would put a mesh's paint.

    With a `reader` it is a capture, which that reads.

    Raises InputError for a file that cannot be read, naming what it is.
    """
    path = Path(path)
    if reader is not None:
        return inspect_capture(path, reader)
    looks: dict[SceneKind, Callable[[Path], Report]] = {
        "capture": inspect_capture,
        "field": inspect_field,
        "splats": lambda path: (inspect_points if is_point_cloud(path) else inspect_splats)(path),
        "picture": inspect_picture,
        "nerf": inspect_nerf,
        "mesh": lambda path: inspect_mesh(path, config or PaintConfig()),
    }
    return looks[kind_of(path)](path)
