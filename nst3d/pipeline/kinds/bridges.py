"""What packages beside nst3d do for the pipeline, which knows none of them: handed in from nst3d.integrations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch

from nst3d.errors import ConfigError
from nst3d.pipeline.captures.reader import OWN_READER, CaptureReader
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.shown import Shown
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.clean import CleanOptions
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.renderers.fusion import Fuse
from nst3d.renderers.raycast import Casting
from nst3d.representations.capture import Capture
from nst3d.representations.mesh import Mesh
from nst3d.stylize.style import Style

Note = Callable[[str], None]


def _absent(*_: Any) -> NoReturn:
    raise ConfigError(
        "this takes another package, and no bridge to it: give bridges=nst3d.BRIDGES with the job"
    )


@dataclass(frozen=True)
class Bridges:
    """One function for each thing that another package does; by default each refuses, with ConfigError."""

    read_capture: Callable[[str, Path], Capture] = _absent
    """The capture at a path, by nerfstudio's dataparser of that name."""
    rasterise: Callable[[torch.device], Casting] = _absent
    """How views of meshes are found by PyTorch3D on a device."""
    clean: Callable[[Path, CleanOptions, Note], Mesh] = _absent
    """The clean mesh of a file of a mesh or a point cloud, by Open3D; the last hears what was done."""
    fuse: Fuse = _absent
    """How Open3D makes a surface of depths."""
    open_nerf: Callable[[Job, Capture | None, Style, Events], tuple[Subject, PaintConfig]] = _absent
    """A nerfacto run to be painted in a style; seen by a capture's cameras, None: by its own."""
    show_nerf: Callable[[Path, SceneOptions, Capture | None, Note], Shown] = _absent
    """A nerfacto run to be shown, among a capture's cameras, None: its own; what it notes is heard at once."""

    def reader(self, dataparser: str | None, cameras: Path | None) -> CaptureReader:
        """What reads the capture `cameras`. Raises ConfigError for a dataparser with nothing to read."""
        if dataparser is None:
            return OWN_READER
        if cameras is None:
            raise ConfigError(
                f"`dataparser` {dataparser}: says how a capture is read; give it with `cameras`, a capture"
            )
        return CaptureReader(dataparser, partial(self.read_capture, dataparser))

    def casting(self, config: PaintConfig) -> Casting | None:
        """What the setting `renderer` means; None: Embree, which nst3d brings."""
        return None if config.renderer == "embree" else self.rasterise(resolve_device(config.device))


ALONE = Bridges()
"""No other package."""
