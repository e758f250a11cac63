"""The schedule of a painting: sizes, steps and rates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError

OptimiserName = Literal["adam", "rmsprop", "lbfgs"]


@dataclass(frozen=True)
class Stage:
    """A sequence of iterations at one size."""

    size: Annotated[int, Within(16, 8192)]
    """Side of the square that frames a view (for pictures, the long side), in pixels."""
    iterations: Annotated[int, Within(0)]
    """Number of steps; each takes `views_per_step` views."""
    learning_rate: Annotated[float, Within(0, above=True)]
    """Step size at the start of the stage, in units of colour (for L-BFGS: along its direction, usually 1)."""
    final_rate: Annotated[float, Within(0, above=True)] | None = None
    """Step size at the end of the stage, approached exponentially; None: constant."""
    epochs: Annotated[float, Within(0)] = 0.0
    """Rounds over all views, instead of `iterations`; 0: use `iterations`."""
    fit: bool = False
    """Fit the pictures whose content is kept (mean square) instead of painting."""

    def rate(self, iteration: int) -> float:
        """The step size at an iteration of the stage, from 0."""
        if self.final_rate is None or self.iterations < 2:
            return self.learning_rate
        share = iteration / (self.iterations - 1)
        return self.learning_rate * (self.final_rate / self.learning_rate) ** share


@dataclass(frozen=True)
class Schedule:
    """Stages from coarse to fine, and the settings of their steps."""

    stages: tuple[Stage, ...]
    """Coarse to fine, one after the other."""
    optimiser: OptimiserName = "adam"
    """adam, rmsprop, or lbfgs (all views in every step: for pictures and few views)."""
    views_per_step: Annotated[int, Within(1)] = 1
    """Views whose gradients are added up for one step."""
    patience: Annotated[int, Within(0)] = 0
    """Window of steps whose mean loss must improve on the preceding window's, or the stage ends; 0: stages
    never end early."""
    min_gain: Annotated[float, Within()] = 0.002
    """Smallest improvement that counts for `patience`, as a fraction of the loss."""
    seed: Annotated[int, Within(0, 2**63 - 1)] = 0
    """Random seed for the order of views."""

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("setting schedule.stages is empty: a schedule needs at least one stage")
        check_bounds(self, "setting schedule.")

    def over(self, num_views: int) -> Schedule:
        """The schedule for a number of views, with epochs converted to iterations."""
        each = num_views if self.optimiser == "lbfgs" else self.views_per_step
        stages = tuple(
            replace(s, iterations=math.ceil(s.epochs * num_views / each), epochs=0.0) if s.epochs else s
            for s in self.stages
        )
        return replace(self, stages=stages)

    def at_most(self, size: int, least: int = 16) -> Schedule:
        """The schedule with all sizes scaled so that the finest is at most `size` pixels.

        Scaled sizes are at least `least` pixels.
        """
        if self.finest <= size:
            return self
        ratio = size / self.finest
        sizes = [min(size, max(least, round(s.size * ratio))) for s in self.stages]
        return replace(self, stages=tuple(replace(s, size=n) for s, n in zip(self.stages, sizes)))

    def shared_out(self, total: int) -> Schedule:
        """The schedule with `total` iterations, split among the stages as before; evenly if there were none."""
        shares = [s.epochs or s.iterations for s in self.stages]
        ends = list(itertools.accumulate(shares if any(shares) else [1] * len(shares)))
        steps = [round(end * total / max(ends[-1], 1e-9)) for end in ends]
        counts = [after - before for before, after in zip([0, *steps], steps)]
        stages = tuple(replace(s, iterations=n, epochs=0.0) for s, n in zip(self.stages, counts))
        return replace(self, stages=stages)

    def settled(self, losses: Sequence[float]) -> bool:
        """Whether a stage with these losses has stopped improving, by `patience` and `min_gain`."""
        window = self.patience
        if window <= 0 or len(losses) < 2 * window:
            return False
        before, now = sum(losses[-2 * window : -window]), sum(losses[-window:])
        return now > before * (1 - self.min_gain)

    @property
    def finest(self) -> int:
        """The largest size, in pixels."""
        return max(s.size for s in self.stages)

    @property
    def total(self) -> int:
        """Total iterations of all stages."""
        return sum(s.iterations for s in self.stages)
