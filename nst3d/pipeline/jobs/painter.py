"""The painting itself: criteria and the run, on the canvas of any subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.runtime.report import Reporter
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import find_encoder, style_at
from nst3d.stylize.agreement import ViewMemory
from nst3d.stylize.criterion import Criterion, Viewing
from nst3d.stylize.engine import Progress, Run
from nst3d.stylize.recipe import StageInputs, build_criterion, fitting_criterion
from nst3d.stylize.schedule import Stage
from nst3d.tensors import Image


class Painter:
    """The painting itself: criteria and the run, on the subject's canvas."""

    def __init__(
        self,
        config: PaintConfig,
        subject: Subject,
        styles: Sequence[Image],
        keeper: Keeper,
        reporter: Reporter,
    ) -> None:
        self._config, self.subject, self._styles = config, subject, styles
        self._keeper, self._reporter = keeper, reporter
        device = resolve_device(config.device)
        self._encoder = find_encoder(config, device, reporter)
        self._canvas = subject.canvas()
        schedule = config.schedule.over(subject.num_views)
        self._run = Run(self._canvas, self._criterion, schedule, keeper.resumed())
        self._history: list[Progress] = []

    def paint(self) -> bool:
        """Run the schedule; True if the user stopped it."""
        try:
            for _ in self.steps():
                pass
        except KeyboardInterrupt:
            if not self._history:
                raise
            self._keeper.keep(self._run)
            return True
        return False

    def steps(self) -> Iterator[Progress]:
        """Run the schedule, and say where it stands after each step."""
        for progress in self._run:
            self._history.append(progress)
            self._reporter.step(progress)
            self._keeper.now_and_then(self._run)
            yield progress

    def keep(self) -> None:
        """Write a checkpoint of where the painting stands."""
        self._keeper.keep(self._run)

    def result(self) -> Any:
        """The finished paint, as the subject's `save` and `show` take it."""
        return self.subject.painted(self._canvas, self._styles[0])

    def metrics(self) -> dict[str, Any]:
        """Losses at the end, steps and speed."""
        if not self._history:
            return {"iterations": 0}
        last = self._history[-1]
        return {
            "iterations": last.iteration,
            "loss": last.loss,
            "losses": last.losses,
            "loss_first": self._history[0].loss,
            "views_per_s": round(last.views / max(last.seconds, 1e-9), 2),
        }

    def _criterion(self, stage: Stage) -> Criterion:
        config = self._config
        device = self._canvas.parameters()[0].device
        long = round(stage.size * config.recipe.style_scale / config.recipe.reduce)
        styles = tuple(style_at(s, long).permute(2, 0, 1).to(device) for s in self._styles)
        viewing = Viewing(self._styles[0].mean((0, 1)).to(device), reduce=config.recipe.reduce)
        inputs = StageInputs(
            style=styles,
            contents=lambda view: self.subject.content(view).to(device),
            num_views=self._canvas.num_views,
            viewing=viewing,
            memory=self._memory if self._canvas.num_views > 1 else None,
            budget_bytes=self._features_budget,
        )
        if stage.fit:
            return fitting_criterion(inputs)
        return build_criterion(config.recipe, self._encoder, inputs)

    def _memory(self, strides: Mapping[str, int], layers: tuple[str, ...]) -> ViewMemory:
        neighbours = self.subject.neighbours()
        return ViewMemory(neighbours, self.subject.correspond, strides, layers, self._features_budget)

    @property
    def _features_budget(self) -> float:
        """Bytes that the features of contents, and of what views showed last, may take each."""
        return self._config.cache_gb * 1e9 / 4
