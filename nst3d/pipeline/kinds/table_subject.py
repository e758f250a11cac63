"""What subjects have in common whose paint is a table of colours: meshes, fields, splats, pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.canvas import Canvas, LinearCanvas, StageViews
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.recolour import seen_colours, to_palette
from nst3d.tensors import Array, Colours, Image


class TableSubject(ABC):
    """A scene whose views are linear in a table of colours."""

    layout: Layout
    """Of the table, at the finest scale."""
    start: Colours
    """(n, 3): the colours that painting starts from."""
    _config: PaintConfig

    @property
    @abstractmethod
    def before(self) -> Colours:
        """(n, 3): the colours that pictures of before show."""

    @abstractmethod
    def compile(self, scale: float) -> StageViews:
        """The views of a scale; what else is asked about views then speaks of these."""

    @abstractmethod
    def finished(self, colours: Colours, coverage: Colours) -> Colours:
        """The painted table, with what no view saw (`coverage` (n, 1) of 0) made to fit."""

    def canvas(self) -> Canvas:
        """The table that painting starts from, seen through the subject's views."""
        start = self.start.to(resolve_device(self._config.device))
        if self._config.precision == "float64":
            start = start.double()
        return LinearCanvas(start, self.layout, self.compile, self._config.table)

    def painted(self, canvas: Canvas, style: Image) -> Array:
        """The painted table (n, 3) of a canvas of this subject, finished."""
        assert isinstance(canvas, LinearCanvas)
        colours = canvas.finest_colours().float()
        # A run that was stopped early may stand at a coarser scale.
        coverage = resampled(canvas.colour_coverage().float(), canvas.stage.layout, self.layout)
        strength = self._config.recipe.palette_after
        if strength > 0 and bool((coverage > 0).any()):
            seen, weights = seen_colours(canvas)
            colours = to_palette(colours, style.to(colours), weights, strength, seen)
        finished: torch.Tensor = self.finished(colours, coverage)
        return finished.cpu().numpy()
