"""The phases of a painting: learning a teacher's pictures, or optimising for guides."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch

from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat
from nst3d.stylize.guide import Guide
from nst3d.stylize.hold import Hold, HoldLeg
from nst3d.stylize.look import Look
from nst3d.stylize.optimisers import restore_optimiser
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.taught import Taught
from nst3d.stylize.teachers.checked import checked
from nst3d.stylize.teachers.registry import Teacher, lessons_of
from nst3d.tensors import Planes, to_image, to_planes


@dataclass(frozen=True)
class Teach:
    """A teacher paints all views and the canvas learns the pictures, `rounds` times; a course, lesson by lesson.

    An annealed teacher is another one in each round.
    """

    teacher: Teacher
    coats: Sequence[Coat]
    """Each is painted as if its region were the whole scene; all have styles."""
    rounds: int = 1
    scale: float = 1.0
    """Scale of the views, relative to the finest."""
    kept: Taught | None = None
    """Where the pictures are kept for the steps afterwards; None: they are not."""


@dataclass(frozen=True)
class Please:
    """The canvas is optimised step by step for the guides."""

    schedule: Schedule
    guide_of: Callable[[Stage], Guide]
    """Makes a stage's guide, once the canvas has entered its scale."""


Phase = Teach | Please | Hold


@dataclass(frozen=True)
class Moment:
    """The position of a step in the run."""

    step: int
    """Steps taken so far, in all stages."""
    total: int
    """Steps of the whole run."""
    seed: int


class Leg(Protocol):
    """A part of a run at one scale."""

    @property
    def scale(self) -> float:
        """Scale of its views, relative to the finest."""

    @property
    def steps(self) -> int:
        """Maximum number of steps."""

    def settled(self, losses: Sequence[float]) -> bool:
        """Whether it may end early, given the losses of its steps so far."""

    def begin(self, canvas: Canvas) -> Work:
        """Prepare the leg, once the canvas has entered its scale."""


class Work(Protocol):
    """A leg in progress."""

    def step(
        self, index: int, views: Callable[[], int], moment: Moment
    ) -> tuple[float, dict[str, float], int]:
        """Take step `index` of the leg; returns its loss, the loss's parts, and the number of rendered views.

        `views` returns the number of the next view.
        """

    def state(self) -> dict[str, Any]:
        """The state for `restore`."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a `state`."""


def legs_of(phases: Sequence[Phase]) -> list[Leg]:
    """The legs of all phases, one after the other.

    Those without steps are left out, for entering a coarse scale would cost the paint its detail; but the last stays,
    whose scale is the one that the paint ends in.
    """
    legs: list[Leg] = []
    for phase in phases:
        if isinstance(phase, Teach):
            legs.append(_TeachLeg(phase, lessons_of(phase.teacher, phase.rounds)))
        elif isinstance(phase, Hold):
            legs.append(HoldLeg(phase))
        else:
            legs += [_PleaseLeg(phase, stage) for stage in phase.schedule.stages]
    return [*(leg for leg in legs[:-1] if leg.steps), *legs[-1:]]


def look_at(canvas: Canvas, view: int, background: torch.Tensor, moment: Moment) -> Look:
    """A view of the canvas as guides and teachers see it."""
    return canvas.look(view, background, moment.step, moment.step / max(moment.total, 1), moment.seed)


@dataclass(frozen=True)
class _TeachLeg:
    phase: Teach
    lessons: Sequence[Teacher]

    @property
    def scale(self) -> float:
        return self.phase.scale

    @property
    def steps(self) -> int:
        return len(self.lessons)

    def settled(self, losses: Sequence[float]) -> bool:
        return False

    def begin(self, canvas: Canvas) -> _Teaching:
        return _Teaching(self, canvas)


class _Teaching:
    def __init__(self, leg: _TeachLeg, canvas: Canvas) -> None:
        self._lessons, self._coats, self._canvas = leg.lessons, leg.phase.coats, canvas
        self._kept = leg.phase.kept

    def step(
        self, index: int, views: Callable[[], int], moment: Moment
    ) -> tuple[float, dict[str, float], int]:
        canvas, coats, teacher = self._canvas, self._coats, self._lessons[index]
        background = coats[0].background.to(canvas.parameters()[0])
        with torch.no_grad():
            looks = [look_at(canvas, view, background, moment) for view in range(canvas.num_views)]
        if len(coats) == 1:
            pictures = self._taught(teacher, coats[0], self._parts(looks, background, None))
        else:
            pictures = self._joined(teacher, looks)
        self._keep(pictures, looks, background)
        losses = canvas.learn(pictures, background)
        return sum(losses.values()), losses, len(looks)

    def _keep(self, pictures: Sequence[Planes], looks: Sequence[Look], background: torch.Tensor) -> None:
        """Keep the pictures for the steps afterwards, with what lies around what is painted."""
        if self._kept is None:
            return
        parts = self._parts(looks, background, None)
        around = [Planes(p + (k.image - part.image)) for p, k, part in zip(pictures, looks, parts)]
        covers = {coat.name: self._parts(looks, background, coat.region) for coat in self._coats}
        self._kept.keep(around, {name: [part.coverage for part in own] for name, own in covers.items()})

    def _joined(self, teacher: Teacher, looks: Sequence[Look]) -> list[Planes]:
        """The pictures of all coats in one for each view.

        Each region is taught as if it were the whole scene, so that nothing of the others gets into it.
        """
        background = self._coats[0].background.to(looks[0].image)
        joined = [part.image for part in self._parts(looks, background, None)]
        for coat in self._coats:
            parts = self._parts(looks, coat.background.to(background), coat.region)
            seen = [part for part in parts if bool((part.coverage > 0).any())] or parts
            for part, picture in zip(seen, self._taught(teacher, coat, seen)):
                change = (picture - part.image) * (part.coverage > 0)
                joined[part.view] = Planes(joined[part.view] + change)
        return joined

    def _taught(self, teacher: Teacher, coat: Coat, looks: Sequence[Look]) -> list[Planes]:
        taught = teacher.teach([to_image(k.image) for k in looks], looks, coat.styles)
        return [to_planes(picture) for picture in checked(taught, looks, type(teacher).__name__)]

    def _parts(self, looks: Sequence[Look], background: torch.Tensor, region: str | None) -> list[Look]:
        parts = [self._canvas.part(look, background, region) for look in looks]
        return [replace(look, image=Planes(look.image.detach().clamp(0, 1))) for look in parts]

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Do nothing: rounds depend only on the canvas."""


@dataclass(frozen=True)
class _PleaseLeg:
    phase: Please
    stage: Stage

    @property
    def scale(self) -> float:
        return self.stage.size / self.phase.schedule.finest

    @property
    def steps(self) -> int:
        return self.stage.iterations

    def settled(self, losses: Sequence[float]) -> bool:
        return self.phase.schedule.settled(losses)

    def begin(self, canvas: Canvas) -> _Pleasing:
        return _Pleasing(self, canvas)


class _Pleasing:
    """Optimiser steps on a guide's loss."""

    def __init__(self, leg: _PleaseLeg, canvas: Canvas) -> None:
        self._stage, self._schedule, self._canvas = leg.stage, leg.phase.schedule, canvas
        self._guide = leg.phase.guide_of(leg.stage)
        self._optimiser = canvas.optimiser(self._schedule.optimiser, self._stage.learning_rate)

    def step(
        self, index: int, views: Callable[[], int], moment: Moment
    ) -> tuple[float, dict[str, float], int]:
        for group in self._optimiser.param_groups:
            group["lr"] = self._stage.rate(index)
        every = self._schedule.optimiser == "lbfgs"
        chosen = (
            list(range(self._canvas.num_views))
            if every
            else [views() for _ in range(self._schedule.views_per_step)]
        )
        verdicts: list[tuple[float, dict[str, float], list[Look]]] = []

        def evaluate() -> torch.Tensor:
            verdicts.append(self._evaluate(chosen, moment))
            return torch.tensor(verdicts[-1][0], dtype=torch.float64)  # L-BFGS compares small differences

        self._optimiser.step(evaluate)  # type: ignore[arg-type]
        self._canvas.project_()
        # An optimiser may judge more looks; the first ones are at the result of the last step.
        loss, parts, looks = verdicts[0]
        for look in looks:
            self._guide.note(look)
        return loss, parts, len(chosen) * len(verdicts)

    def _evaluate(self, views: Sequence[int], moment: Moment) -> tuple[float, dict[str, float], list[Look]]:
        for parameter in self._canvas.parameters():
            parameter.grad = None
        total, parts, looks = 0.0, dict[str, float](), []
        for view in views:
            looks.append(look_at(self._canvas, view, self._guide.background, moment))
            loss, terms = self._guide.judge(looks[-1])
            (loss / len(views)).backward()
            total += float(loss.detach()) / len(views)
            for name, value in terms.items():
                parts[name] = parts.get(name, 0.0) + value / len(views)
        penalties = self._canvas.penalties()
        if penalties:
            torch.stack(list(penalties.values())).sum().backward()
        for name, penalty in penalties.items():
            parts[name] = float(penalty.detach())
            total += parts[name]
        self._canvas.collect_()
        return total, parts, looks

    def state(self) -> dict[str, Any]:
        return {"optimiser": copy.deepcopy(self._optimiser.state_dict()), "guide": self._guide.state()}

    def restore(self, state: dict[str, Any]) -> None:
        restore_optimiser(self._optimiser, state["optimiser"])
        self._guide.restore(state.get("guide", {}))
