"""The interface between a paint job and a scene of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.radiance import Frame
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.colouring import Colouring
from nst3d.tensors import Colours


class Subject(Protocol):
    """A scene ready for painting: it makes the canvas, and turns the painted canvas into an asset."""

    @property
    def colouring(self) -> Colouring:
        """How the colours of the job's styles are changed for this scene."""

    @property
    def num_views(self) -> int:
        """The number of views, the same at every scale."""

    def canvas(self) -> Canvas:
        """The canvas that the optimiser paints."""

    def painted(self, canvas: Canvas) -> Any:
        """The finished paint on a canvas of this subject, for `save` and `show`: unseen parts are filled, and
        colours are moved to the styles' palettes as far as the recipe requires."""

    def counted(self, canvas: Canvas) -> Colours | None:
        """How much each row of a painted table counts, (n, 1): the pixels of the current views that show it, in the
        painted region; None: the paint is no table."""

    def save(self, folder: Path, painted: Any) -> list[Path]:
        """Write the painted asset; returns the paths."""

    def show(self, folder: Path, painted: Any) -> list[Path]:
        """Write pictures and videos of before and after; returns the paths."""

    def preview(self, canvas: Canvas, camera: Camera | None = None) -> Frame:
        """The scene in the canvas's current paint, from a camera in the frame that it is rendered in; None:
        one of its own. Has no side effects."""

    def facts(self, canvas: Canvas) -> dict[str, Any]:
        """Numbers for metrics.json."""
