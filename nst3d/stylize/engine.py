"""The loop: render a view, ask the criterion, push the gradient back, step."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from nst3d.errors import ConfigError
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.criterion import Criterion
from nst3d.stylize.rmsprop import RowRMSProp
from nst3d.stylize.schedule import Schedule, Stage


@dataclass(frozen=True)
class Progress:
    """Where a run stands, after a step."""

    stage: int
    """From 0."""
    iteration: int
    """Steps done in all stages, from 1."""
    total: int
    """Steps that the schedule has; early stops may skip some."""
    loss: float
    losses: dict[str, float]
    """The weighted parts of the loss, by name."""
    seconds: float
    """Since the run started or was resumed, preparation included."""
    views: int
    """Views rendered since then."""


@dataclass
class RunState:
    """All that a run needs to go on where it stopped. Plain tensors and numbers."""

    stage: int = 0
    iteration: int = 0
    """Steps done in this stage."""
    done: int = 0
    """Steps done in all stages."""
    queue: list[int] = field(default_factory=list)
    """The views still to come of this round."""
    history: list[float] = field(default_factory=list)
    """Losses of this stage."""
    generator: torch.Tensor | None = None
    canvas: list[torch.Tensor] = field(default_factory=list)
    optimiser: dict[str, Any] = field(default_factory=dict)


class Run:
    """One run of a schedule on a canvas; iterate to make it happen. `state()` between steps can be stored."""

    def __init__(
        self,
        canvas: Canvas,
        criterion_of: Callable[[Stage], Criterion],
        schedule: Schedule,
        resume: RunState | None = None,
    ) -> None:
        """`criterion_of` makes a stage's criterion, once the canvas has entered its scale."""
        self._canvas, self._criterion_of, self._schedule = canvas, criterion_of, schedule
        self._state = resume or RunState()
        self._generator = torch.Generator().manual_seed(schedule.seed)
        if self._state.generator is not None:
            self._generator.set_state(self._state.generator)
        self._optimiser: torch.optim.Optimizer | None = None
        self._views = 0
        self._kept: RunState | None = None  # where the last stage ended, until the next one stands

    def __iter__(self) -> Iterator[Progress]:
        """Run the stages from where the state says, yielding after each step."""
        started = time.perf_counter()
        for index in range(self._state.stage, len(self._schedule.stages)):
            stage = self._schedule.stages[index]
            if index != self._state.stage:
                self._kept = self.state()
                self._state = RunState(stage=index, done=self._state.done)
            self._canvas.enter(stage.size / self._schedule.finest)
            criterion = self._criterion_of(stage)
            self._optimiser = _optimiser(self._schedule.optimiser, self._canvas.parameters(), stage)
            self._restore()
            self._kept = None
            while self._state.iteration < stage.iterations and not self._plateau():
                loss, losses = self._step(criterion, stage)
                if not math.isfinite(loss):
                    raise ConfigError(
                        f"the loss is no longer a number after step {self._state.done}: give a smaller"
                        " learning rate or smaller weights"
                    )
                self._state.iteration += 1
                self._state.done += 1
                self._state.history.append(loss)
                seconds = time.perf_counter() - started
                total = self._schedule.total
                yield Progress(index, self._state.done, total, loss, losses, seconds, self._views)
            del criterion  # its targets need not live while the next scale is compiled

    def state(self) -> RunState:
        """A snapshot to resume from."""
        if self._kept is not None:
            return self._kept
        state = self._state
        return RunState(
            state.stage,
            state.iteration,
            state.done,
            list(state.queue),
            list(state.history),
            self._generator.get_state(),
            self._canvas.state(),
            {} if self._optimiser is None else copy.deepcopy(self._optimiser.state_dict()),
        )

    def _restore(self) -> None:
        if not self._state.canvas or self._optimiser is None:
            return
        self._canvas.restore(self._state.canvas)
        self._optimiser.load_state_dict(self._state.optimiser)

    def _next_views(self) -> list[int]:
        if self._schedule.optimiser == "lbfgs":
            return list(range(self._canvas.num_views))
        chosen: list[int] = []
        while len(chosen) < self._schedule.views_per_step:
            if not self._state.queue:
                order = torch.randperm(self._canvas.num_views, generator=self._generator)
                self._state.queue = order.tolist()
            chosen.append(self._state.queue.pop())
        return chosen

    def _step(self, criterion: Criterion, stage: Stage) -> tuple[float, dict[str, float]]:
        assert self._optimiser is not None
        for group in self._optimiser.param_groups:
            group["lr"] = stage.rate(self._state.iteration)
        views = self._next_views()
        first: list[tuple[float, dict[str, float]]] = []

        def evaluate() -> torch.Tensor:
            value, parts = self._evaluate(criterion, views)
            first.append((value, parts))
            return torch.tensor(value, dtype=torch.float64)  # line searches compare small differences

        self._optimiser.step(evaluate)  # type: ignore[arg-type]
        self._canvas.project_()
        return first[0]

    def _evaluate(self, criterion: Criterion, views: list[int]) -> tuple[float, dict[str, float]]:
        for parameter in self._canvas.parameters():
            parameter.grad = None
        total, parts = 0.0, dict[str, float]()
        for view in views:
            image = self._canvas.render(view, criterion.background)
            loss, terms = criterion(image, self._canvas.coverage(view), view)
            (loss / len(views)).backward()
            total += float(loss.detach()) / len(views)
            for name, value in terms.items():
                parts[name] = parts.get(name, 0.0) + value / len(views)
        penalty = self._canvas.penalty()
        if penalty is not None:
            penalty.backward()
            parts["texture"] = float(penalty.detach())
            total += parts["texture"]
        self._canvas.collect_()
        self._views += len(views)
        return total, parts

    def _plateau(self) -> bool:
        window = self._schedule.patience
        history = self._state.history
        if window <= 0 or len(history) < 2 * window:
            return False
        before, now = sum(history[-2 * window : -window]), sum(history[-window:])
        return now > before * (1 - self._schedule.min_gain)


def stylize(
    canvas: Canvas,
    criterion_of: Callable[[Stage], Criterion],
    schedule: Schedule,
    resume: RunState | None = None,
) -> Iterator[Progress]:
    """Paint a canvas, stage by stage, yielding where it stands after each step."""
    return iter(Run(canvas, criterion_of, schedule, resume))


def _optimiser(name: str, parameters: list[torch.Tensor], stage: Stage) -> torch.optim.Optimizer:
    rate = stage.learning_rate
    if name == "lbfgs":
        return torch.optim.LBFGS(
            parameters, lr=rate, max_iter=1, max_eval=10, history_size=50, line_search_fn="strong_wolfe",
            tolerance_grad=0, tolerance_change=0,
        )  # fmt: skip
    if name == "rmsprop":
        return RowRMSProp(parameters, lr=rate)
    return torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.99), fused=True)
