"""A picture of the scene that an artist painted over, and what of the scene it decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst3d.cameras.pinhole import Camera
from nst3d.operators.base import ViewOperator
from nst3d.tensors import Colours, Image, Mask

_SOLID = 0.99
"""Coverage from which a pixel shows the scene alone. What is painted over a silhouette may mean scene or background."""
_RIM = 5
"""Width of the square, in pixels, within which what is left alone at a silhouette may belong to what is painted."""
_OTHERS = 0.25
"""Share of a pixel, seen by another reference, from which that one decides."""
_TOUCHED = 0.02
"""Share of a pixel, painted in another reference, from which what this one left alone does not count."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A render of the scene, as it was and as it was painted."""

    camera: Camera
    """The camera of both pictures, in the frame that the scene is rendered in."""
    original: Image
    """(h, w, 3) in [0, 1]: the render, without light and view-dependence."""
    painted: Image
    """(h, w, 3) in [0, 1]: the same after painting."""
    name: str = "reference"
    tolerance: float = 2.5 / 255
    """Largest difference of a channel, in [0, 1], that still counts as left alone: programs round by a level or two."""

    strokes_only: bool = False
    """Whether pixels that were left alone are to stay as the scene shows them when it takes the others."""

    @property
    def changed(self) -> Mask:
        """(h, w) bool: the pixels that were painted."""
        return (self.painted - self.original).abs().amax(2) > self.tolerance

    @property
    def differs(self) -> bool:
        """Whether anything was painted."""
        return bool(self.changed.any())


@torch.no_grad()
def claims(views: Sequence[ViewOperator], references: Sequence[Reference]) -> list[Image]:
    """Weights (h, w, 1) in {0, 1} of the references' pixels: those that decide what the scene looks like there.

    Of two that are painted at the same place, the first decides; what one leaves alone, another may paint. At a
    silhouette only what is left alone decides, away from paint.
    """
    solid = [view.coverage[..., 0] >= _SOLID for view in views]
    painted = [reference.changed & mask for reference, mask in zip(references, solid)]
    seen = [
        mask | ((view.coverage[..., 0] > 0) & ~_widened(reference.changed))
        for view, reference, mask in zip(views, references, solid)
    ]
    rows = [seen_rows(view, mask) for view, mask in zip(views, painted)]
    found = []
    for number, view in enumerate(views):
        above = _shown(view, rows[:number]) > _OTHERS
        beside = _shown(view, [r for k, r in enumerate(rows) if k != number]) > _TOUCHED
        earlier = _shown(view, [seen_rows(v, m) for v, m in zip(views[:number], seen)]) > _OTHERS
        alone = ~beside & ~earlier
        weight = seen[number] & torch.where(painted[number], ~above, alone)
        found.append(Image(weight[..., None].to(view.coverage)))
    return found


def _widened(mask: Mask) -> Mask:
    """The mask (h, w) and all pixels around it."""
    return F.max_pool2d(mask[None, None].float(), _RIM, 1, _RIM // 2)[0, 0] > 0


_USUAL = 0.5
"""Share of the median sight from which a row counts as fully seen."""


def seen_rows(view: ViewOperator, pixels: Mask) -> Colours:
    """(n, 1) in [0, 1]: how well the rows of a table are seen by some pixels (h, w), 1 if as well as is usual."""
    sight = view.adjoint(Image(pixels[..., None].to(view.coverage)))
    seen = sight[sight > 0]
    return sight if not len(seen) else (sight / (_USUAL * seen.median())).clamp(max=1)


def _shown(view: ViewOperator, columns: Sequence[Colours]) -> Mask:
    """(h, w): the share of each pixel that rows of any of the columns make up."""
    shown = view.coverage[..., 0] * 0
    for column in columns:
        shown = torch.maximum(shown, view.mask(column)[..., 0])
    return shown
