"""What a paint job asks of a scene, whatever kind it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.radiance import Frame
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.style import Style


class Subject(Protocol):
    """A scene ready to be painted: it makes the canvas, and turns what was painted on it into an asset."""

    @property
    def num_views(self) -> int:
        """How many views there are, at every scale."""

    def canvas(self) -> Canvas:
        """What the optimiser paints on."""

    def painted(self, canvas: Canvas, style: Style) -> Any:
        """The paint on a canvas of this subject, finished: unseen parts made to fit, moved to the palette of a
        style as far as the recipe asks. It is what `save` and `show` take."""

    def save(self, folder: Path, painted: Any) -> list[Path]:
        """Write the painted asset; returns the paths."""

    def show(self, folder: Path, painted: Any) -> list[Path]:
        """Write pictures and videos of before and after; returns the paths."""

    def preview(self, canvas: Canvas, camera: Camera | None = None) -> Frame:
        """The scene in the canvas' current paint, seen by a camera in the frame that it is rendered in; None: one of
        its own. Changes nothing."""

    def facts(self, canvas: Canvas) -> dict[str, Any]:
        """Numbers for metrics.json."""
