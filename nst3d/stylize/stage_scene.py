"""A scene at one scale: its views, frozen, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.losses.partner import Correspondence
from nst3d.operators.base import ViewOperator
from nst3d.stylize.layout import Layout
from nst3d.tensors import Colours, Planes


def _no_content(view: int) -> Planes:
    raise ConfigError("the scene has no content to keep: give the loss 'content' the weight 0")


def _nowhere(view: int, partner: int, cell: int) -> Correspondence:
    raise ConfigError("the scene's views are not compared: give the loss 'consistency' the weight 0")


@dataclass(frozen=True)
class StageScene:
    """What the guides of a stage may ask about its views. Asking changes nothing."""

    num_views: int
    content: Callable[[int], Planes] = _no_content
    """View to the picture (3, h, w) whose content is kept, over the style's mean colour."""
    cameras: Sequence[Camera] = ()
    """One for each view; empty for pictures."""
    neighbours: Callable[[], Sequence[Sequence[int]]] = field(default=lambda: ())
    """For each view those that see most of the same surface; empty where views are not compared."""
    correspond: Callable[[int, int, int], Correspondence] = _nowhere
    """(view, partner, cell): where a view's cells of `cell` × `cell` pixels lie in a partner view."""


@dataclass(frozen=True, kw_only=True)
class TableStage(StageScene):
    """The same where views are linear in a table of colours."""

    num_views: int = 0
    """Follows from `views`."""
    views: Sequence[ViewOperator]
    layout: Layout
    """Of the table that they read."""
    bases: Sequence[ViewOperator] = ()
    """Maps from coarse nodes to rows that lie closer than pixels, fine to coarse; for loose rows."""
    own_rows: bool = True
    """Whether rows are learnt on their own beside the bases."""
    sight: Colours | None = None
    """How well each row is seen (n, 1), to scale its steps by; None: by its coverage."""

    def __post_init__(self) -> None:
        """Count the views."""
        object.__setattr__(self, "num_views", len(self.views))
