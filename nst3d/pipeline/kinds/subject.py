"""What a paint job asks of a scene, whatever kind it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from nst3d.losses.consistency import Correspondence
from nst3d.stylize.canvas import Canvas
from nst3d.tensors import Image, Planes


class Subject(Protocol):
    """A scene ready to be painted: it makes the canvas, and turns what was painted on it into an asset."""

    @property
    def num_views(self) -> int:
        """How many views there are, at every scale."""

    def canvas(self) -> Canvas:
        """What the optimiser paints on. The methods about views speak of the scale that it entered last."""

    def content(self, view: int) -> Planes:
        """The picture (3, h, w) whose content a view keeps, over the style's mean colour."""

    def neighbours(self) -> Sequence[Sequence[int]]:
        """For each view the views that see most of the same surface; empty for a single view."""

    def correspond(self, view: int, partner: int, cell: int) -> Correspondence:
        """Where a view's cells of `cell` × `cell` pixels lie in a partner view."""

    def painted(self, canvas: Canvas, style: Image) -> Any:
        """The paint on a canvas of this subject, finished: unseen parts made to fit, moved to the palette of a
        style (h, w, 3) as far as the recipe asks. It is what `save` and `show` take."""

    def save(self, folder: Path, painted: Any) -> list[Path]:
        """Write the painted asset; returns the paths."""

    def show(self, folder: Path, painted: Any) -> list[Path]:
        """Write pictures and videos of before and after; returns the paths."""

    def facts(self) -> dict[str, Any]:
        """Numbers for metrics.json."""
