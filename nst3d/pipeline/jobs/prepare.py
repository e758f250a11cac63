"""Prepares a scene for painting with a custom loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from nst3d.features.encoder import Encoder
from nst3d.files import PathLike
from nst3d.pipeline.jobs.matching import matched_coats
from nst3d.pipeline.jobs.paint import checked, open_subject
from nst3d.pipeline.jobs.painter import guide_of_stage
from nst3d.pipeline.jobs.worded import ready_coats
from nst3d.pipeline.kinds.bridges import ALONE, Bridges
from nst3d.pipeline.kinds.kind import Opened, PaintRequest
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.registry import open_path
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.events import Events, Listener
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.runtime.out_folder import claimed_folder
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.direction import Direction
from nst3d.pipeline.styles import find_encoder, read_coats
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat, settled
from nst3d.stylize.guide import Guide
from nst3d.stylize.loaded import Loaded
from nst3d.stylize.schedule import Stage


@dataclass(frozen=True)
class Prepared:
    """A scene prepared for painting."""

    subject: Subject
    """Makes the canvas, provides the views, and saves the painted scene."""
    coats: tuple[Coat, ...]
    """What paints the regions."""
    config: PaintConfig
    """The settings completed for the scene: view sizes, the content's weight."""

    def canvas(self, scale: float = 1.0) -> Canvas:
        """A new canvas to paint on, its views ready at `scale` times their finest size."""
        canvas = self.subject.canvas()
        canvas.enter(scale)
        return canvas

    def guide(self, canvas: Canvas, stage: Stage | None = None) -> Guide:
        """What judges the views that the canvas has now, as the recipe says; None: those of the finest stage."""
        stage = stage or self.config.schedule.stages[-1]
        coats = settled(self.coats, canvas.painted)
        return guide_of_stage(self.config, self._encoder, coats, canvas, stage, loaded=self._loaded)

    def save(self, folder: PathLike, canvas: Canvas) -> list[Path]:
        """Write the scene with the canvas' paint into a folder, which is made where there is none; the paths."""
        folder = Path(folder)
        with claimed_folder(folder, True, ()):
            return self.subject.save(folder, self.subject.painted(canvas))

    @cached_property
    def _loaded(self) -> Loaded:
        return Loaded()

    @cached_property
    def _encoder(self) -> Encoder:
        return find_encoder(self.config, resolve_device(self.config.device), Events())


def prepare(
    scene: PathLike,
    styles: PathLike | Iterable[PathLike] = (),
    config: PaintConfig | None = None,
    *,
    direction: Direction | None = None,
    cameras: PathLike | None = None,
    listeners: Listener | Iterable[Listener] = (),
    bridges: Bridges = ALONE,
    opened: Opened | None = None,
) -> Prepared:
    """Read a scene of any kind and its styles, or a direction, and choose cameras, as `run_job` does before painting.

    `cameras`: a capture whose cameras paint the scene; for a mesh also a camera path. `opened` is the result of
    `open_path` for the scene, if already known. Nothing is written. Raises Nst3dError subclasses like `run_job`.
    """
    events = Events(listeners)
    job = Job(scene, styles, "", config or PaintConfig(), cameras=cameras, direction=direction)
    bridges.casting(job.config)
    coats = ready_coats(job, read_coats(job.directed, job.config.recipe, events), events)
    reader = bridges.reader(job.dataparser, job.cameras)
    opened = checked(job, opened or open_path(job.scene))
    cache = SceneCache.opened(events.note)
    request = PaintRequest(opened, job, coats, reader, events, bridges, None, cache)
    request = replace(request, coats=matched_coats(request, open_subject).coats)
    subject, own = open_subject(request)
    own_coats = (coat.styled(subject.colouring.style) for coat in request.coats)
    return Prepared(subject, tuple(own_coats), own)
