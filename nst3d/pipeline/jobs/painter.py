"""The painting itself: phases, guides and the run, on the canvas of any subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.runtime.report import Reporter
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import find_encoder
from nst3d.stylize.engine import Progress, Run
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.guide import Guide
from nst3d.stylize.phases import Phase, Please, Teach
from nst3d.stylize.schedule import Stage
from nst3d.stylize.stage_guide import StageInputs, build_guide, fitting_guide
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import make_teacher


class Painter:
    """The painting itself: guides and the run, on the subject's canvas."""

    def __init__(
        self,
        config: PaintConfig,
        subject: Subject,
        styles: Sequence[Style],
        keeper: Keeper,
        reporter: Reporter,
    ) -> None:
        self._config, self.subject, self._styles = config, subject, styles
        self._keeper, self._reporter = keeper, reporter
        self._encoder = find_encoder(config, resolve_device(config.device), reporter)
        self._canvas = subject.canvas()
        self._run = Run(self._canvas, self._phases(), config.schedule.seed, keeper.resumed())

    def paint(self) -> bool:
        """Run the phases; True if the user stopped it."""
        before = self._run.done
        try:
            for _ in self.steps():
                pass
        except KeyboardInterrupt:
            if self._run.done == before:
                raise
            self.keep()
            return True
        return False

    def steps(self) -> Iterator[Progress]:
        """Run the phases, and say where the run stands after each step."""
        for progress in self._run:
            self._reporter.step(progress)
            if self._keeper.due:
                self.keep()
            yield progress

    def keep(self) -> None:
        """Write a checkpoint of where the painting stands."""
        self._keeper.keep(self._run.state())

    def result(self) -> Any:
        """The finished paint, as the subject's `save` and `show` take it."""
        return self.subject.painted(self._canvas, self._styles[0])

    def metrics(self) -> dict[str, Any]:
        """Losses at the end, steps and speed, and the subject's own numbers."""
        return self._run.metrics() | self.subject.facts(self._canvas)

    def _phases(self) -> list[Phase]:
        config, phases = self._config, list[Phase]()
        if config.teach.teacher is not None:
            teacher = make_teacher(config.teach.teacher, config.teach.options)
            phases.append(Teach(teacher, self._styles, config.teach.rounds))
        schedule = config.schedule.over(self.subject.num_views)
        return [*phases, Please(schedule, self._guide)]

    def _guide(self, stage: Stage) -> Guide:
        recipe, scene = self._config.recipe, self._canvas.stage
        device = self._canvas.parameters()[0].device
        viewing = Viewing(self._styles[0].background.to(device), reduce=recipe.reduce)
        budget = self._config.cache_gb * 1e9 / 4
        if stage.fit:
            return fitting_guide(scene, viewing, budget)
        return build_guide(
            recipe, self._encoder, StageInputs(self._styles, scene, stage.size, viewing, budget)
        )
