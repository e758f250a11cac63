"""What a paint job is asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nst3d.errors import ConfigError
from nst3d.files import OptionalPathField, PathField, PathsField
from nst3d.pipeline.settings.clean import CleanOptions
from nst3d.pipeline.settings.config import PaintConfig


@dataclass(frozen=True)
class Job:
    """What to paint, with what, where to."""

    scene: PathField = PathField()
    styles: PathsField = PathsField()
    """One or several."""
    out: PathField = PathField()
    config: PaintConfig = field(default_factory=PaintConfig)
    overwrite: bool = False
    resume: bool = False
    cameras: OptionalPathField = OptionalPathField()
    """A capture whose cameras paint a voxel field or splats; None: the field's own, a rig for splats."""
    dataparser: str | None = None
    """nerfstudio's dataparser that reads `cameras`; None: the format is told from the files."""
    clean: CleanOptions | None = None
    """Make a scan, a mesh or a point cloud, a clean mesh first."""
    data: OptionalPathField = OptionalPathField()
    """Where the data of a nerfstudio run is now; None: where the run says."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with ConfigError."""
        if not self.styles:
            raise ConfigError("no style: give `style`, an image")


@dataclass(frozen=True)
class Result:
    """What a job made."""

    paths: tuple[Path, ...]
    metrics: dict[str, Any]
    """What metrics.json holds. Seconds are of this run, wall_s all of it; iterations count those resumed, too."""
    interrupted: bool = False
    """Stopped by the user; `Job.resume` goes on."""
