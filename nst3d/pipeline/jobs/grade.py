"""Changes saturation, contrast, brightness and hue of a painted scene in its colour table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nst3d.images.grade import Grade
from nst3d.pipeline.jobs.blend import claim, mixable
from nst3d.pipeline.kinds.blend_tables import Mix


@dataclass(frozen=True)
class GradeJob:
    """A scene, the change of its colours, and the output."""

    scene: Path
    """A voxel field, splats, a mesh or a picture."""
    out: Path
    grade: Grade = field(default_factory=Grade)
    region: str | None = None
    """Region in which colours change; None: everywhere. The rest stays as it is, bit for bit."""
    overwrite: bool = False
    """Replace an existing file."""

    def __post_init__(self) -> None:
        """Convert plain strings to paths."""
        object.__setattr__(self, "scene", Path(self.scene))
        object.__setattr__(self, "out", Path(self.out))


def run_grade(job: GradeJob, note: Callable[[str], None] = lambda text: None) -> list[Path]:
    """Write the scene with its colours changed; returns the paths.

    `note` is called with messages for the user. Raises InputError for a scene that cannot be read, OutputError if the
    result exists or cannot be written, ConfigError for an `out` that cannot store it or a region that it lacks.
    """
    kind = mixable(job.scene, "graded")
    claim(job.out, job.overwrite)
    assert kind.blend is not None
    return kind.blend((job.scene,), Mix((1.0,), job.grade, job.region), job.out, note)
