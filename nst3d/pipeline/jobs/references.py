"""The references of a paint job: read, checked, and made part of what paints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from nst3d.pipeline.jobs.painter import Company
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.reference_files import check_scene, load_reference
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import find_encoder, read_coats
from nst3d.stylize.coat import Coat
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.reference import Reference
from nst3d.stylize.teachers.spread import Spread
from nst3d.tensors import Array

_TEXELS = 1.5
"""How much finer a mesh's table is than usual, so that every pixel of a reference can be had."""
Note = Callable[[str], None]


@dataclass(frozen=True)
class References:
    """The painted views of a job; none for most."""

    paths: Sequence[Path] = ()
    pictures: Sequence[Reference] = ()
    opacities: Sequence[Array] = ()
    """The opacity (h, w) of what each picture shows."""

    @property
    def style(self) -> Style:
        """The painted pictures as one style, in which their background does not count."""
        masks = tuple(torch.from_numpy(opacity) for opacity in self.opacities)
        return Style(tuple(r.painted for r in self.pictures), "reference", opacities=masks)

    def coats(self, job: Job, events: Events) -> list[Coat]:
        """What paints a job with these: its styles, or else they themselves."""
        coats = read_coats(job.directed, job.config.recipe, events)
        own = bool(self.pictures) and not job.styled
        return [replace(coat, styles=[self.style]) for coat in coats] if own else coats

    @property
    def differ(self) -> bool:
        """Whether anything was painted."""
        return any(reference.differs for reference in self.pictures)

    def suited(self, config: PaintConfig, styled: bool) -> PaintConfig:
        """The settings for a job with these: the scene keeps its own colours, in a table as fine as the pictures.

        Nothing is optimised where nothing was painted, unless it is for a style (`styled`).
        """
        if not self.pictures:
            return config
        finest = max(max(reference.camera.size) for reference in self.pictures)
        recipe = replace(config.recipe, palette_before=0.0, palette_after=0.0)
        config = replace(config, recipe=recipe)
        if not config.schedule.total and finest > config.schedule.finest:
            config = config.with_size(finest)
        finer = _TEXELS * max(1.0, finest / config.schedule.finest)
        surface = replace(config.surface, texels_per_pixel=config.surface.texels_per_pixel * finer)
        config = replace(config, surface=surface)
        return config if self.differ or styled else replace(config, schedule=config.schedule.shared_out(0))

    def company(
        self, subject: Subject, config: PaintConfig, company: Company, events: Events, styled: bool = False
    ) -> Company:
        """The company with these; a job in a style of its own (`styled`) paints what they leave alone, too.

        Raises InputError for a picture that shows another scene.
        """
        canvas = subject.canvas() if self.pictures else None
        for path, reference, opacity in zip(self.paths, self.pictures, self.opacities):
            assert canvas is not None
            check_scene(path, opacity, subject.preview(canvas, reference.camera).opacity)
        if not self.differ:
            if self.pictures:
                events.note("the references are as they were rendered: there is nothing to spread")
            return company
        encoder = find_encoder(config, resolve_device(config.device), events)
        teacher = Spread(self.pictures, encoder)
        held = [replace(reference, strokes_only=styled) for reference in self.pictures]
        return replace(company, teachers=[*company.teachers, teacher], references=held)


def read_references(paths: Sequence[Path], note: Note) -> References:
    """The references in files. Raises InputError like `load_reference`."""
    found = [load_reference(path, note) for path in paths]
    return References(paths, [reference for reference, _ in found], [opacity for _, opacity in found])
