"""The rows of an evaluation: the unpainted scene, the runs, and decoys that a good ranking puts last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nst3d.metrics.measured import Measured
from nst3d.pipeline.evaluation.evidence import Take
from nst3d.pipeline.evaluation.run_folder import RunFolder
from nst3d.stylize.style import Style

Sort = Literal["unpainted", "run", "decoy"]


@dataclass(frozen=True)
class Prompt:
    """What a painting should look like, in words."""

    text: str
    source: str = "a photo"
    """What the unpainted scene looks like, in words: the change is measured from there."""


@dataclass(frozen=True)
class Row:
    """Frames that are measured, and what they are compared with."""

    name: str
    sort: Sort
    take: Take
    unpainted: Take
    """The same frames of the unpainted scene."""
    styles: Sequence[Style]
    run: RunFolder | None = None
    """The run that painted them."""
    file: Path | None = None
    """The asset that it shows; None for decoys."""
    prompt: Prompt | None = None
    """What it should look like; None if no words were given."""


@dataclass(frozen=True)
class Judged:
    """A row with what was measured."""

    row: Row
    measured: Sequence[Measured]

    def value(self, name: str) -> float | None:
        """The mean of a metric; None if it has none."""
        return next((m.value for m in self.measured if m.name == name), None)
