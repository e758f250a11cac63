"""The painting itself: phases, guides and the run, on the canvas of any subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.pipeline.jobs.measure import gamut_of, grain_of, guarded, shown_colours
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.events import Events, Ready, Stepped
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig, reads_words
from nst3d.pipeline.styles import check_encoder, find_encoder
from nst3d.renderers.radiance import Frame
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat, settled
from nst3d.stylize.engine import Run
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.guide import Guide, Weighted
from nst3d.stylize.guides import GUIDES, GuideInputs, MakeGuide
from nst3d.stylize.held import Fit
from nst3d.stylize.hold import Hold
from nst3d.stylize.loaded import Loaded
from nst3d.stylize.phases import Phase, Please, Teach
from nst3d.stylize.schedule import Stage
from nst3d.stylize.stage_guide import StageInputs, build_guide, fitting_guide
from nst3d.stylize.style import Style, distinct
from nst3d.stylize.taught import Taught
from nst3d.stylize.teachers.reference import Reference
from nst3d.stylize.teachers.registry import Teacher, make_teacher, teacher_notes


@dataclass(frozen=True)
class Company:
    """Guides and teachers from the caller, and the settings' own teacher."""

    guides: Mapping[str, MakeGuide] = field(default_factory=dict)
    """Name to a factory for each stage's guide; their losses are added with weight 1."""
    teachers: Sequence[Teacher] = ()
    """Teachers that paint the views before the guides, one after the other."""
    own: Teacher | None = None
    """The teacher of the settings, which paints after these."""
    references: Sequence[Reference] = ()
    """Painted views that the scene takes last."""


def company_for(
    config: PaintConfig, guides: Mapping[str, MakeGuide] | None = None, teachers: Sequence[Teacher] = ()
) -> Company:
    """Everyone that paints with these settings, before any scene is read.

    Raises ConfigError for an option of the teacher, MissingDependencyError if weights are not on this machine, and
    InputError for a damaged file of its network.
    """
    teach = config.teach
    if config.schedule.total:
        check_encoder(config)  # loaded only when it is used
    own = None if teach.teacher is None else make_teacher(teach.teacher, teach.options)
    return Company(guides or {}, teachers, own)


class Painter:
    """The painting itself: guides and the run, on the subject's canvas."""

    def __init__(
        self,
        config: PaintConfig,
        subject: Subject,
        coats: Sequence[Coat],
        keeper: Keeper,
        events: Events,
        company: Company | None = None,
    ) -> None:
        self._config, self.subject = config, subject
        self._keeper, self._events, self._company = keeper, events, company or company_for(config)
        self._schedule = config.schedule.over(subject.num_views)
        self._encoder: Encoder | None = None  # teachers alone need none
        self._loaded = Loaded()
        if self._schedule.total:
            self._encoder = find_encoder(config, resolve_device(config.device), events)
        self._canvas = subject.canvas()
        self._fits: Sequence[Fit] = ()
        own = [coat.styled(subject.colouring.style) for coat in coats]
        self._coats = settled(own, self._canvas.painted)
        followed = reads_words(config.teach.teacher) and self._schedule.total
        self._taught = Taught() if followed else None
        self._run = Run(self._canvas, self._phases(), config.schedule.seed, keeper.resumed(), self._taught)

    def paint(self) -> bool:
        """Run the phases; True if the user stopped it after a step. In the middle of one, KeyboardInterrupt passes."""
        before = self._run.done
        try:
            for _ in self.steps():
                pass
        except KeyboardInterrupt:
            if self._run.done == before or not self._run.whole:
                raise
            self.keep()
            return True
        return False

    def steps(self) -> Iterator[Stepped]:
        """Run the phases, step by step; each event has been passed to the listeners before it is yielded."""
        if not self._run.done:  # otherwise a checkpoint has the paint, which is not restored yet
            self._events.tell(Ready(self._preview))
        for progress in self._run:
            step = Stepped(progress, self._preview, self._run.state)
            self._events.tell(step)
            yield step

    def keep(self) -> bool:
        """Write a checkpoint of the current painting; False, with a note, if that is not possible."""
        try:
            state = self._run.state()
        except ConfigError as error:  # a guide's memory; the painting itself is whole, and gets written
            self._events.note(f"there is no checkpoint to resume from: {error}")
            return False
        return self._keeper.keep(state)

    def result(self) -> Any:
        """The finished paint, for the subject's `save` and `show`, within the styles' gamut if that is guarded."""
        painted, counted = self.subject.painted(self._canvas), self.subject.counted(self._canvas)
        if self._company.references:
            self._fits = self._canvas.fits(torch.from_numpy(painted))
            for fit in self._fits:
                self._events.note(fit.told())
        if counted is None or not self._guards:
            return painted
        return guarded(painted, counted, shown_colours(self._config, self._shown_styles))

    @property
    def _guards(self) -> bool:
        """Whether the styles alone say which colours there are: no other guide or teacher does, nor the scene."""
        recipe, company = self._config.recipe, self._company
        others = company.guides or company.teachers or any(term.name in GUIDES for term in recipe.terms)
        # At a soft border the scene's own colours show through, which are not the styles'.
        whole = self._canvas.painted is None and all(coat.strength == 1 for coat in self._coats)
        whole = whole and recipe.palette_before == 1 and not any(coat.worded for coat in self._coats)
        return (
            recipe.guard and whole and recipe.colour == "style" and not others and bool(self._schedule.total)
        )

    @property
    def _shown_styles(self) -> list[Style]:
        return [style for coat in self._coats for style in coat.styles]

    def metrics(self, painted: Any) -> dict[str, Any]:
        """Final losses, steps and speed, grain if the run is finished, the gamut, and the subject's own numbers.

        `painted` is `result()`.
        """
        found = grain_of(self._canvas, self._config, self._coats) if self._run.finished else None
        measured: dict[str, Any] = {} if found is None else {"grain": round(found, 2)}
        counted, colouring = self.subject.counted(self._canvas), self.subject.colouring
        # With luminance the palette is grey, and the chroma is the scene's.
        pictured = colouring.goal is not None or all(coat.pictured for coat in self._coats)
        if counted is not None and pictured and colouring.mode != "luminance" and bool((counted > 0).any()):
            goal = colouring.goal
            palette = shown_colours(self._config, self._shown_styles) if goal is None else goal
            measured["gamut"] = gamut_of(painted, counted, palette)
        if self._fits:
            measured["references"] = [fit.facts() for fit in self._fits]
        return self._run.metrics() | measured | self.subject.facts(self._canvas)

    def _preview(self, camera: Camera | None) -> Frame:
        return self.subject.preview(self._canvas, camera)

    def _phases(self) -> list[Phase]:
        teach = self._config.teach
        phases: list[Phase] = [Teach(teacher, self._coats) for teacher in self._company.teachers]
        if teach.teacher is not None and self._company.own is not None:
            size = round(self._config.schedule.finest * self._config.teach_scale)
            names = [style.name for coat in self._coats for style in coat.styles]
            for text in teacher_notes(teach.teacher, teach.options, size, names):
                self._events.note(text)
            scale = self._config.teach_scale
            phases.append(Teach(self._company.own, self._coats, teach.rounds, scale, self._taught))
        phases.append(Please(self._schedule, self._guide))
        return [*phases, Hold(self._company.references)] if self._company.references else phases

    def _guide(self, stage: Stage) -> Guide:
        assert self._encoder is not None
        guides, shared = self._company.guides, self._loaded
        return guide_of_stage(
            self._config, self._encoder, self._coats, self._canvas, stage, guides, shared, self._taught
        )


def guide_of_stage(
    config: PaintConfig,
    encoder: Encoder,
    coats: Sequence[Coat],
    canvas: Canvas,
    stage: Stage,
    guides: Mapping[str, MakeGuide] | None = None,
    loaded: Loaded | None = None,
    taught: Taught | None = None,
) -> Guide:
    """The guide that settings ask for in a stage, whose scale the canvas has entered; `guides` are added to it.

    `coats` are `settled` for the canvas. The added ones count in all that is painted, and get the styles of all coats.
    `loaded` is shared by the stages of a run; None: the guides load everything themselves. Where a teacher has painted
    words, it aims for the pictures that were `taught`.
    """
    loaded = loaded or Loaded()
    scene = canvas.stage
    background = coats[0].background.to(canvas.parameters()[0].device)
    if taught is not None and taught.known:
        scene = taught.scene(scene)
        coats = [taught.coat(coat, config.recipe.style_scale) for coat in coats]
    viewing = Viewing(background, reduce=config.recipe.reduce)
    budget = config.cache_gb * 1e9 / 4
    if stage.fit:
        return fitting_guide(scene, viewing, budget, canvas.painted)
    styles = distinct([style for coat in coats for style in coat.styles])
    made = GuideInputs({}, styles, scene, stage.size, background, loaded)
    others = {name: Weighted(make(made), region=canvas.painted) for name, make in (guides or {}).items()}
    inputs = StageInputs(coats, scene, stage.size, viewing, budget, others, loaded)
    return build_guide(config.recipe, encoder, inputs)
