"""Functions of optional packages, none of which the pipeline imports; from nst3d.integrations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch

from nst3d.errors import ConfigError
from nst3d.pipeline.captures.poses import PoseFinder
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
from nst3d.stylize.coat import Coat

Note = Callable[[str], None]


def _absent(*_: Any) -> NoReturn:
    raise ConfigError("this needs an optional package: pass bridges=nst3d.BRIDGES with the job")


@dataclass(frozen=True)
class Bridges:
    """One function per task of an optional package; by default each raises ConfigError."""

    read_capture: Callable[[str, Path], Capture] = _absent
    """Reads the capture at a path with the nerfstudio dataparser of that name."""
    rasterise: Callable[[torch.device], Casting] = _absent
    """Rasterises views of meshes with PyTorch3D on a device."""
    clean: Callable[[Path, CleanOptions, Note], Mesh] = _absent
    """Cleans the mesh or point cloud in a file with Open3D; the callback receives what was done."""
    fuse: Fuse = _absent
    """Fuses depths into a surface with Open3D."""
    open_nerf: Callable[[Job, Capture | None, Sequence[Coat], Events], tuple[Subject, PaintConfig]] = _absent
    """Opens a nerfacto run to be painted in coats, with a capture's cameras or its own (None)."""
    show_nerf: Callable[[Path, SceneOptions, Capture | None, Note], Shown] = _absent
    """Opens a nerfacto run to be shown, with a capture's cameras or its own (None)."""
    pose_finder: Callable[[], PoseFinder] = _absent
    """Gives what finds the cameras of photographs with pycolmap."""

    def reader(self, dataparser: str | None, cameras: Path | None) -> CaptureReader:
        """The reader of the capture `cameras`. Raises ConfigError for a dataparser without a capture."""
        if dataparser is None:
            return OWN_READER
        if cameras is None:
            raise ConfigError(f"`dataparser` {dataparser}: needs a capture to read; give `cameras`, too")
        return CaptureReader(dataparser, partial(self.read_capture, dataparser))

    def casting(self, config: PaintConfig) -> Casting | None:
        """The rasteriser for the setting `renderer`; None: Embree, which is built in."""
        return None if config.renderer == "embree" else self.rasterise(resolve_device(config.device))


ALONE = Bridges()
"""Without optional packages."""
