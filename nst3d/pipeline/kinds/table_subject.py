"""The base of subjects whose paint is a table of colours: meshes, fields, splats, pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.features.encoder import Encoder
from nst3d.pipeline.kinds.regions import Selectors
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import find_encoder
from nst3d.renderers.radiance import Frame
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat
from nst3d.stylize.colouring import Colouring
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.recolour import seen_colours, to_palette
from nst3d.stylize.regions import Regions
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Array, Colours

_GLANCE = 256
"""Long side of previews by a scene's own cameras, pixels: at one a second they slow painting by less than a tenth."""


def glance_of(camera: Camera) -> Camera:
    """A camera for previews, no larger than they need to be."""
    return camera.scaled(min(1.0, _GLANCE / max(camera.size)))


class TableSubject(ABC):
    """A scene whose views are linear in a table of colours."""

    layout: Layout
    """Layout of the table, at the finest scale."""
    start: Colours
    """(n, 3): the colours that painting starts from."""
    regions: Regions = Regions()
    """The region that is painted."""
    colouring: Colouring = Colouring()
    """How the colours of styles and paint are changed."""
    selectors: Selectors
    """What chooses regions of the scene."""
    _config: PaintConfig
    _coats: Sequence[Coat]
    """Those that paint."""

    @property
    @abstractmethod
    def initial(self) -> Colours:
        """(n, 3): the scene's own colours, shown in "before" pictures."""

    @property
    def kept(self) -> Colours:
        """(n, 3): the colours kept outside the painted region."""
        return self.initial

    @abstractmethod
    def stage(self, scale: float) -> TableStage:
        """The views at `scale` times their finest size, frozen."""

    @abstractmethod
    def finished(self, colours: Colours, coverage: Colours, stage: TableStage) -> Colours:
        """The painted table, with rows that no view of `stage` saw (`coverage` (n, 1) of 0) filled."""

    def _encoder(self) -> Encoder:
        """The recipe's encoder, for regions of deep features."""
        return find_encoder(self._config, resolve_device("cpu"), Events())

    def canvas(self) -> Canvas:
        """The table at its start as a canvas, seen through the subject's views."""
        start = self.start.to(resolve_device(self._config.device))
        if self._config.precision == "float64":
            start = start.double()
        return LinearCanvas(start, self.layout, self.stage, self._config.table, self.regions)

    def preview(self, canvas: Canvas, camera: Camera | None = None) -> Frame:
        """The scene in the canvas's current paint, from a camera; None: one of its own."""
        assert isinstance(canvas, LinearCanvas)
        # At the scale of the stage: resampling the table to the finest would take longer than the drawing.
        colours = canvas.colours().clamp(0, 1).float().cpu().numpy()
        return self.drawn(colours, canvas.layout, camera)

    @abstractmethod
    def shown_from(self) -> Sequence[Camera | None]:
        """Cameras from which pictures show all sides of the scene, for `drawn`."""

    @property
    def view_names(self) -> Sequence[str]:
        """The names of the views' photographs, without suffixes; empty if they have none."""
        return ()

    @abstractmethod
    def drawn(self, colours: Array, layout: Layout, camera: Camera | None) -> Frame:
        """The scene with a table of colours (n, 3) of some scale, from a camera; None: one of its own."""

    def counted(self, canvas: Canvas) -> Colours:
        """How much each row counts, (n, 1): the pixels of the current views that show it, in the painted region."""
        return self.regions.weighted(self._coverage(canvas))

    def _coverage(self, canvas: Canvas) -> Colours:
        assert isinstance(canvas, LinearCanvas)
        # A run that was stopped early may be at a coarser scale.
        return resampled(canvas.colour_coverage().float(), canvas.stage.layout, self.layout)

    def painted(self, canvas: Canvas) -> Array:
        """The finished table (n, 3) of a canvas of this subject."""
        assert isinstance(canvas, LinearCanvas)
        colours = canvas.finest_colours().float()
        coverage = self._coverage(canvas)
        strength = self._config.recipe.palette_after
        if strength > 0 and bool((coverage > 0).any()):
            seen, weights = seen_colours(canvas)

            def moved(coat: Coat) -> Colours:
                return to_palette(colours, coat.palette, weights, strength, seen)

            colours = self.regions.mixed(self._coats, moved, colours)
        if torch.equal(colours, self.start.to(colours)):
            return self.start.float().cpu().numpy()  # nothing was painted, so there is nothing to fill
        finished: torch.Tensor = self.finished(colours, coverage, canvas.stage)
        counted = self.regions.weighted(coverage.to(finished))
        coloured = self.colouring.finish(finished, self.kept, counted[:, 0])
        finished = self.regions.inside(coloured, finished)
        if canvas.held is not None and canvas.layout == self.layout:
            finished = finished + canvas.held.change(finished)  # what references show is settled last
        finished = self.shared(finished)
        return self.regions.restored(finished, self.kept).cpu().numpy()

    def shared(self, colours: Colours) -> Colours:
        """The table (n, 3) with equal colours in rows that stand for one place."""
        return colours
