"""What a paint job asks of a scene, whatever kind it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from nst3d.losses.consistency import Correspondence
from nst3d.stylize.canvas import StageViews
from nst3d.stylize.layout import Layout
from nst3d.tensors import Array, Colours, Planes


class Subject(Protocol):
    """A scene ready to be painted."""

    layout: Layout
    """Of the table, at the finest scale."""
    start: Colours
    """(n, 3): the colours that painting starts from."""

    @property
    def num_views(self) -> int:
        """How many views there are, at every scale."""

    @property
    def before(self) -> Colours:
        """(n, 3): the colours that pictures of before show."""

    def compile(self, scale: float) -> StageViews:
        """The views of a scale; the methods below then speak of these."""

    def content(self, view: int) -> Planes:
        """The picture (3, h, w) whose content a view keeps, over the style's mean colour."""

    def neighbours(self) -> Sequence[Sequence[int]]:
        """For each view the views that see most of the same surface; empty for a single view."""

    def correspond(self, view: int, partner: int, cell: int) -> Correspondence:
        """Where a view's cells of `cell` × `cell` pixels lie in a partner view."""

    def finished(self, colours: Colours, coverage: Colours) -> Colours:
        """The painted table, with what no view saw (`coverage` (n, 1) of 0) made to fit."""

    def save(self, folder: Path, colours: Array) -> list[Path]:
        """Write the painted asset; returns the paths."""

    def show(self, folder: Path, before: Array, after: Array) -> list[Path]:
        """Write pictures and videos of the two tables; returns the paths."""

    def facts(self) -> dict[str, Any]:
        """Numbers for metrics.json."""
