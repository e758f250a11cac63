"""Prepares a scene for painting with a custom loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nst3d.files import PathLike
from nst3d.pipeline.jobs.bridges import ALONE, Bridges
from nst3d.pipeline.jobs.paint import checked, open_subject
from nst3d.pipeline.jobs.paint_options import Job
from nst3d.pipeline.kinds.kind import PaintRequest
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.events import Events, Listener
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import read_style
from nst3d.stylize.style import Style


@dataclass(frozen=True)
class Prepared:
    """A scene prepared for painting."""

    subject: Subject
    """Makes the canvas, provides the views, and saves the painted scene."""
    styles: tuple[Style, ...]
    """The styles, in the order given."""
    config: PaintConfig
    """The settings completed for the scene: view sizes, the content's weight."""


def prepare(
    scene: PathLike,
    styles: PathLike | Iterable[PathLike],
    config: PaintConfig | None = None,
    *,
    cameras: PathLike | None = None,
    listeners: Listener | Iterable[Listener] = (),
    bridges: Bridges = ALONE,
) -> Prepared:
    """Read a scene of any kind and its styles, and choose cameras, as `run_job` does before painting.

    `cameras`: a capture whose cameras paint a voxel field or splats. Nothing is written. Raises Nst3dError
    subclasses like `run_job`.
    """
    events = Events(listeners)
    job = Job(scene, styles, "", config or PaintConfig(), cameras=cameras)
    bridges.casting(job.config)
    pictures = [read_style(path, events) for path in job.styles]
    reader = bridges.reader(job.dataparser, job.cameras)
    opened = checked(job, open_path(job.scene))
    subject, settled = open_subject(PaintRequest(opened, job, pictures, reader, events, bridges, None))
    return Prepared(subject, tuple(pictures), settled)
