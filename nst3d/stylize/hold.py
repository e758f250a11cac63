"""The phase in which a canvas takes the pixels of references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nst3d.stylize.canvas import Canvas
from nst3d.stylize.teachers.reference import Reference


@dataclass(frozen=True)
class Hold:
    """The canvas takes the pixels that references were painted with."""

    references: Sequence[Reference]
    scale: float = 1.0
    """Scale of the canvas, relative to the finest."""


@dataclass(frozen=True)
class HoldLeg:
    """The phase as a leg of one step."""

    phase: Hold

    @property
    def scale(self) -> float:
        """Scale of the canvas."""
        return self.phase.scale

    @property
    def steps(self) -> int:
        """One."""
        return 1

    def settled(self, losses: Sequence[float]) -> bool:
        """Never."""
        return False

    def begin(self, canvas: Canvas) -> Holding:
        """The leg on a canvas."""
        return Holding(self.phase.references, canvas)


class Holding:
    """The leg in progress."""

    def __init__(self, references: Sequence[Reference], canvas: Canvas) -> None:
        self._count, self._canvas = len(references), canvas
        canvas.heed(references)

    def step(
        self, index: int, views: Callable[[], int], moment: object
    ) -> tuple[float, dict[str, float], int]:
        """Bake the references; returns the loss, its parts, and the number of rendered views."""
        parts = self._canvas.hold()
        return sum(parts.values()), parts, self._count

    def state(self) -> dict[str, Any]:
        """Empty: it is one step."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Do nothing: it is one step."""
