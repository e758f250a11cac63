"""The loop: leg by leg, step by step, from wherever a run stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from nst3d.errors import ConfigError, InputError, cut
from nst3d.interrupts import stoppable
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.phases import Moment, Phase, Work, legs_of
from nst3d.stylize.taught import Taught


@dataclass(frozen=True)
class Progress:
    """The state of a run after a step."""

    stage: int
    """Stage number from 0, counted over all phases."""
    iteration: int
    """Steps taken in all stages, from 1."""
    total: int
    """Steps of all stages; early stops may skip some."""
    loss: float
    losses: dict[str, float]
    """The weighted parts of the loss, by name."""
    seconds: float
    """Seconds since the run started or was resumed, including preparation."""
    views: int
    """Number of views rendered since then."""


@dataclass
class RunState:
    """Everything a run needs to continue where it stopped, as plain tensors and numbers."""

    stage: int = 0
    iteration: int = 0
    """Steps taken in this stage."""
    done: int = 0
    """Steps taken in all stages."""
    queue: list[int] = field(default_factory=list)
    """The remaining views of this round."""
    history: list[float] = field(default_factory=list)
    """Losses of this stage."""
    first_loss: float | None = None
    """Loss of the run's first step."""
    losses: dict[str, float] = field(default_factory=dict)
    """Parts of the last step's loss."""
    loss: float | None = None
    """Loss of the last step."""
    generator: torch.Tensor | None = None
    canvas: list[torch.Tensor] = field(default_factory=list)
    work: dict[str, Any] = field(default_factory=dict)
    """State of optimiser and guide."""
    taught: dict[str, Any] = field(default_factory=dict)
    """What a teacher painted that later stages follow."""


@contextmanager
def _fitting() -> Iterator[None]:
    """Turn the errors of a state that does not fit its run into one that says so."""
    try:
        yield
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise _unfit(f"{type(error).__name__}: {cut(str(error))}") from error


def _unfit(why: str) -> InputError:
    return InputError(f"the checkpoint does not fit this painting ({why}); start over with `overwrite`")


class Run:
    """A run of phases on a canvas; iterate over it to execute it. `state()` can be saved between steps."""

    def __init__(
        self,
        canvas: Canvas,
        phases: Sequence[Phase],
        seed: int = 0,
        resume: RunState | None = None,
        taught: Taught | None = None,
    ) -> None:
        """`seed` determines the order of views; `resume` is an earlier run's state with the same phases.

        `taught` is what the phases keep of a teacher's pictures, if they do.
        """
        self._canvas, self._phases, self._legs = canvas, phases, legs_of(phases)
        self._seed = seed
        self._state = resume or RunState()
        self._generator = torch.Generator().manual_seed(seed)
        if self._state.generator is not None:
            with _fitting():
                self._generator.set_state(self._state.generator)
        self._taught = taught
        if taught is not None and self._state.taught:
            with _fitting():
                taught.restore(self._state.taught)
        self._work: Work | None = None
        self._steps, self._views, self._seconds = 0, 0, 0.0
        self._whole = True  # no step was broken off
        self._kept: RunState | None = None  # the end of the last stage, until the next one is ready

    def __iter__(self) -> Iterator[Progress]:
        """Run the stages from the current state, yielding after each step.

        Ctrl-C waits for the end of a step and raises KeyboardInterrupt then; a second one does so at once.
        """
        started, entered = time.perf_counter(), None
        for index in range(self._state.stage, len(self._legs)):
            leg = self._legs[index]
            if index != self._state.stage:
                self._kept = self.state()
                self._kept.work.pop("guide", None)  # no further look of this stage is judged
                old = self._state
                self._state = RunState(
                    stage=index, done=old.done, first_loss=old.first_loss, losses=old.losses, loss=old.loss
                )
            self._work = None  # free its targets while the next scale is compiled
            if leg.steps or leg.scale != entered:  # a last stage without steps only fixes the scale
                self._canvas.enter(leg.scale)
            entered = leg.scale
            self._work = leg.begin(self._canvas) if leg.steps else None
            if self._state.canvas:
                with _fitting():
                    self._canvas.restore(self._state.canvas)
                    if self._work is not None:
                        self._work.restore(self._state.work)
            self._kept = None
            while self._state.iteration < leg.steps and not leg.settled(self._state.history):
                with stoppable() as stopped:
                    self._whole = False
                    progress = self._step(index, started)
                    self._whole = True
                yield progress
                if stopped():
                    raise KeyboardInterrupt

    @property
    def total(self) -> int:
        """Steps of all stages."""
        return sum(leg.steps for leg in self._legs)

    @property
    def done(self) -> int:
        """Steps taken in all stages, including those before a resume."""
        return self._state.done

    @property
    def whole(self) -> bool:
        """Whether every step was taken as a whole; otherwise `state` is none to resume from."""
        return self._whole

    @property
    def finished(self) -> bool:
        """Whether no steps are left."""
        state, last = self._state, len(self._legs) - 1
        done = state.iteration >= self._legs[last].steps or self._legs[last].settled(state.history)
        return state.stage >= last and done and self._kept is None

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
            state.first_loss,
            dict(state.losses),
            state.loss,
            self._generator.get_state(),
            self._canvas.state(),
            {} if self._work is None else self._work.state(),
            {} if self._taught is None else self._taught.state(),
        )

    def metrics(self) -> dict[str, Any]:
        """Steps taken, the losses of the last and the first step, and steps and views per second.

        Seconds are those since this process began to paint, in which views are compiled, too.
        """
        state = self._state
        if state.loss is None:
            return {"iterations": 0}
        found = {"iterations": state.done, "loss": state.loss, "losses": dict(state.losses)}
        found["loss_first"] = state.first_loss
        if self._views:
            seconds = max(self._seconds, 1e-9)
            found |= {
                "steps_per_s": round(self._steps / seconds, 2),
                "views_per_s": round(self._views / seconds, 2),
            }
        return found

    def _step(self, index: int, started: float) -> Progress:
        assert self._work is not None
        state, total = self._state, self.total
        moment = Moment(state.done, total, self._seed)
        loss, parts, views = self._work.step(state.iteration, self._next_view, moment)
        if not math.isfinite(loss):
            raise ConfigError(
                f"the loss is NaN or infinite after step {state.done}: use a smaller learning rate or smaller"
                " weights"
            )
        state.iteration += 1
        state.done += 1
        state.history.append(loss)
        state.first_loss = loss if state.first_loss is None else state.first_loss
        state.loss, state.losses = loss, parts
        self._steps += 1
        self._views += views
        self._seconds = time.perf_counter() - started
        return Progress(index, state.done, total, loss, parts, self._seconds, self._views)

    def _next_view(self) -> int:
        if any(view >= self._canvas.num_views for view in self._state.queue):
            raise _unfit("it names views that this scene does not have")
        if not self._state.queue:
            order = torch.randperm(self._canvas.num_views, generator=self._generator)
            self._state.queue = order.tolist()
        return self._state.queue.pop()
