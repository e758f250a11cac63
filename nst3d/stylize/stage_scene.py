"""A scene at one scale: its frozen views and their relations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.losses.partner import Correspondence
from nst3d.operators.base import ViewOperator
from nst3d.stylize.layout import Layout
from nst3d.tensors import Array, Colours, Planes


def _no_content(view: int) -> Planes:
    raise ConfigError("the scene has no content to keep: set the weight of the loss 'content' to 0")


def _nowhere(view: int, partner: int, cell: int) -> Correspondence:
    raise ConfigError("the scene's views are not compared: set the weight of the loss 'consistency' to 0")


@dataclass(frozen=True)
class StageScene:
    """The views of a stage, as guides may query them, without side effects."""

    num_views: int
    content: Callable[[int], Planes] = _no_content
    """Maps a view to the picture (3, h, w) whose content is kept, over the style's mean colour."""
    cameras: Sequence[Camera] = ()
    """Cameras, one per view; empty for pictures."""
    neighbours: Callable[[], Sequence[Sequence[int]]] = field(default=lambda: ())
    """For each view, those that see most of the same surface; empty if views are not compared."""
    correspond: Callable[[int, int, int], Correspondence] = _nowhere
    """Maps (view, partner, cell) to where the view's cells of `cell` × `cell` pixels are in the partner."""
    footprint: Callable[[int], torch.Tensor] | None = None
    """Maps a view to the sides (h, w) of its pixels on the surface, in any unit and at any resolution, NaN where it
    shows nothing; None: they are about alike in all views."""
    depth: Callable[[int], torch.Tensor] | None = None
    """Maps a view to its depth (h, w) along the viewing axis, inf where it shows nothing; None: views have none, as
    those of pictures."""
    coarse: Callable[[int, int], ViewOperator] | None = None
    """Maps (view, stride) to what `Look.coarse` gives of a stride; None: views are not linear in a table."""
    through: Callable[[Camera], ViewOperator] | None = None
    """What `Look.through` is; None: views are not linear in a table."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where a scene's rows are."""

    positions: Array
    """(n, 3), in units in which the scene is about a ball of radius 1."""
    pixel: float
    """The usual width of a pixel at this scale, in the same units."""


@dataclass(frozen=True, kw_only=True)
class TableStage(StageScene):
    """The same for views that are linear in a table of colours."""

    num_views: int = 0
    """Number of `views`."""
    views: Sequence[ViewOperator]
    layout: Layout
    """Layout of the table that the views read."""
    bases: Sequence[ViewOperator] = ()
    """Maps from coarse nodes to loose rows denser than pixels, fine to coarse."""
    own_rows: bool = True
    """Whether rows are also learnt individually, besides the bases."""
    places: Callable[[], Places] | None = None
    """Where the rows are; None: not in space."""
    sight: Colours | None = None
    """How well each row is seen (n, 1), to scale its steps by; None: by its coverage."""

    def __post_init__(self) -> None:
        """Count the views."""
        object.__setattr__(self, "num_views", len(self.views))
