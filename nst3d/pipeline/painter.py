"""The painting itself: criteria and the run, on the canvas of any subject."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from nst3d.features.vgg import VGG
from nst3d.features.weights import find_weights, load_encoder
from nst3d.images.resize import fit_long_side
from nst3d.pipeline.config import PaintConfig
from nst3d.pipeline.machine import resolve_device
from nst3d.pipeline.out_folder import need_checkpoint
from nst3d.pipeline.report import Reporter
from nst3d.pipeline.subject import Subject
from nst3d.stylize.agreement import ViewMemory
from nst3d.stylize.checkpoint import load_checkpoint, load_shape, save_checkpoint
from nst3d.stylize.criterion import Criterion, Viewing
from nst3d.stylize.displace_steps import ShapeState
from nst3d.stylize.engine import Progress, Run, RunState
from nst3d.stylize.recipe import StageInputs, build_criterion, fitting_criterion
from nst3d.stylize.schedule import Stage
from nst3d.tensors import Image

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "auto": None}
_SHORTEST_STYLE = 16


class Keeper:
    """Keeps a run's checkpoint at `path`, and finds it again."""

    def __init__(self, path: Path, fingerprint: str, every: float, resume: bool) -> None:
        """Every so many seconds (0: never by itself); `resume` asks for what an earlier run kept."""
        self._path, self._fingerprint, self._every, self._resume = path, fingerprint, every, resume
        self._last = time.perf_counter()
        self._shape: ShapeState | None = None

    def resumed(self) -> RunState | None:
        """The state to go on from, or None to start anew. InputError if it was asked for and is not there."""
        if not self._resume:
            return None
        need_checkpoint(self._path)
        return load_checkpoint(self._path, self._fingerprint)

    def resumed_shape(self) -> ShapeState | None:
        """How far the mesh was displaced, or None to start anew. InputError as `resumed`."""
        if self._resume:
            need_checkpoint(self._path)
            self._shape = load_shape(self._path, self._fingerprint)
        return self._shape

    def keep(self, run: Run) -> None:
        """Write a checkpoint."""
        self._save(run.state())

    def keep_shape(self, state: ShapeState) -> None:
        """Write a checkpoint of a mesh that is being displaced; all later ones hold its shape, too."""
        self._shape = state
        self._save(RunState())

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self._every > 0 and time.perf_counter() - self._last > self._every

    def now_and_then(self, run: Run) -> None:
        """Write a checkpoint if it is time."""
        if self.due:
            self.keep(run)

    def _save(self, state: RunState) -> None:
        save_checkpoint(self._path, state, self._fingerprint, self._shape)
        self._last = time.perf_counter()

    def forget(self) -> None:
        """Remove the checkpoint of a run that is done."""
        self._path.unlink(missing_ok=True)


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


def style_at(style: Image, long: int) -> Image:
    """A style whose long side has `long` pixels, or more where its short side would be too short to encode."""
    height, width = style.shape[:2]
    least = math.ceil(_SHORTEST_STYLE * max(height, width) / min(height, width))
    return fit_long_side(style, max(long, least))


def find_encoder(config: PaintConfig, device: torch.device, reporter: Reporter) -> VGG:
    """The recipe's encoder, or its fallback, which is told."""
    recipe = config.recipe
    name = recipe.encoder
    if recipe.fallback_encoder is not None and find_weights(name) is None:
        reporter.note(
            f"weights {name} are not there, taking {recipe.fallback_encoder}; nst3d weights tells more"
        )
        name = recipe.fallback_encoder
    return load_encoder(name, pooling=recipe.pooling, dtype=_DTYPES[config.precision], device=device)
