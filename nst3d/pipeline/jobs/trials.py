"""The paintings of a sweep: what is tried, and what came of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nst3d.pipeline.evaluation.scores import Score
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.tensors import Array

_LONGEST = 120
"""Letters of a folder's name."""


@dataclass(frozen=True)
class Trial:
    """A combination of settings that is tried."""

    values: Mapping[str, str]
    """The value of each setting of the grid, by its name."""
    job: Job
    """Paints it small."""
    command: str
    """The command line that paints it in full."""

    @property
    def label(self) -> str:
        """The combination in words."""
        return ", ".join(f"{name}={value}" for name, value in self.values.items())


@dataclass(frozen=True)
class Tried:
    """What came of a trial."""

    trial: Trial
    error: str | None = None
    """Why there is no painting; None if there is one."""
    score: Score | None = None
    """None without a painting, or where the metrics that it is made of were not measured."""
    picture: Array | None = None
    """The painted scene (h, w, 3) in [0, 1], from the camera that all are seen by."""


def folder_names(combinations: Sequence[Mapping[str, str]]) -> list[str]:
    """A folder's name for each combination, such as stroke=0.7,content=0.1; no two are alike, on any system."""
    names = []
    for values in combinations:
        plain = ",".join(f"{name}={value}" for name, value in values.items())
        safe = ",".join(f"{name}={_safe(value)}" for name, value in values.items())
        changed = any(_safe(value) != value for value in values.values()) or len(safe) > _LONGEST
        mark = hashlib.sha256(plain.encode()).hexdigest()[:6]
        names.append(f"{safe[:_LONGEST]}~{mark}" if changed else safe)
    return names


def _safe(value: str) -> str:
    """A value as a part of a file's name: of paths the last part, without what a file system may refuse."""
    return re.sub(r"[^\w.#+-]+", "_", re.split(r"[/\\]", value)[-1]).strip(".")


def ranked(tried: Sequence[Tried]) -> list[Tried]:
    """The best score first, then those without a score, then those that failed; otherwise in their order."""
    return sorted(
        tried, key=lambda t: (t.error is not None, t.score is None, -(t.score.value if t.score else 0))
    )
