"""Guides, which score a look for the engine, and their sum."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import torch

from nst3d.stylize.look import Look
from nst3d.stylize.plain_state import check_plain

Ramp = tuple[tuple[float, float], ...]
"""A piecewise linear weight schedule of knots (fraction of the run, factor); 1 without knots."""


def ramped(ramp: Ramp, share: float) -> float:
    """The factor at a fraction of the run in [0, 1]; constant before the first and after the last knot."""
    if not ramp:
        return 1.0
    if share <= ramp[0][0]:
        return ramp[0][1]
    for (start, low), (end, high) in itertools.pairwise(ramp):
        if share <= end:
            return low + (high - low) * (share - start) / (end - start)
    return ramp[-1][1]


class Guide(ABC):
    """Judges renders of one stage. Subclasses implement `judge`, and with a memory the other three, too."""

    background: torch.Tensor
    """(3,): the colour that looks are rendered over."""

    @abstractmethod
    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss, a differentiable scalar, and its parts by name. Pure: equal looks give equal results."""

    def note(self, look: Look) -> None:  # noqa: B027
        """Record a look whose step was taken, once per view and step. Memory changes only here."""

    def state(self) -> dict[str, Any]:
        """The memory for a checkpoint: tensors, numbers and text, and lists and dicts of them, nothing else."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Restore the result of `state`, in the same stage of the same run."""


@dataclass(frozen=True)
class Weighted:
    """A guide as a term of a sum."""

    guide: Guide
    weight: float = 1.0
    region: str | None = None
    """Region in which it counts; None: everywhere."""
    schedule: Ramp = ()
    """Schedule of its weight over the run."""
    by_area: bool = False
    """Whether it counts in each view by the region's share of what is covered."""


class Counted(Protocol):
    """A term of a sum: a guide or a loss with its weight."""

    @property
    def weight(self) -> float:
        """Its weight."""

    @property
    def region(self) -> str | None:
        """Region in which it counts; None: everywhere."""

    @property
    def schedule(self) -> Ramp:
        """Schedule of its weight over the run."""

    @property
    def by_area(self) -> bool:
        """Whether it counts in each view by the region's share of what is covered."""


def weights_in(terms: Mapping[str, Counted], look: Look) -> dict[str, float]:
    """The weight of each term in a look: by its schedule, and by the share of its region if it counts by area.

    ConfigError for a term by area in a region that the look does not know.
    """
    share_of = cache(look.share_of)
    weights = {name: term.weight * ramped(term.schedule, look.share) for name, term in terms.items()}
    return {
        name: weight * share_of(terms[name].region) if terms[name].by_area and weight else weight
        for name, weight in weights.items()
    }


class GuideSum(Guide):
    """Several guides, each with a weight, a region and a schedule."""

    def __init__(self, parts: Mapping[str, Weighted], background: torch.Tensor) -> None:
        """`parts` by their name in reports; all share one render over `background`."""
        self.background = background
        self._parts = dict(parts)
        self._checked = False

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        """The weighted sum, and all parts, weighted."""
        total = look.image.new_zeros(())
        found: dict[str, float] = {}
        for name, weight in weights_in(self._parts, look).items():
            if weight == 0:
                continue
            part = self._parts[name]
            loss, parts = part.guide.judge(look.within(part.region))
            total = total + weight * loss
            for key, value in (parts or {name: float(loss.detach())}).items():
                label = (
                    key if key == name or (key not in self._parts and key not in found) else f"{name}.{key}"
                )
                found[label] = weight * value
        return total, found

    def note(self, look: Look) -> None:
        """Pass the look to each guide. ConfigError at once for a guide whose state no checkpoint could hold."""
        for part in self._parts.values():
            part.guide.note(look.within(part.region))
        if not self._checked:
            self.state()
            self._checked = True

    def state(self) -> dict[str, Any]:
        """The guides' states by name. ConfigError for one with values that cannot be read back."""
        states = {name: part.guide.state() for name, part in self._parts.items()}
        for name, state in states.items():
            check_plain(name, state)
        return states

    def restore(self, state: dict[str, Any]) -> None:
        """Restore each guide's state."""
        for name, part in self._parts.items():
            part.guide.restore(state.get(name, {}))
