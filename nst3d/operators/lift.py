"""Lifts pictures into a table by the adjoint of its views, normalised."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from nst3d.operators.base import ViewOperator
from nst3d.tensors import Colours, Image

Pictures = Callable[[int], "Image | None"]
"""Gives the picture (h, w, c) of a view; None: the view does not count."""

_ROUNDS = 8
"""Corrections of lifted masks: the edges of parts that are as thin as pixels are sharp after a few."""
_NOTHING = 1e-3
"""Coverage below which a pixel shows nothing."""


def lift(
    views: Sequence[ViewOperator], pictures: Pictures, num_colours: int, channels: int
) -> tuple[Colours, Colours]:
    """For each row the mean of the pixels that see it, by how much they do: Σ Aᵀ m / Σ Aᵀ 1.

    Returns the table (n, channels) float32 and Σ Aᵀ 1, (n, 1): both are 0 for rows that no view sees. Constant
    pictures give that constant, and no value leaves the range of the pictures. Each view is used once, so `views` may
    compile them lazily.
    """
    total = torch.zeros(num_colours, channels)
    weight = torch.zeros(num_colours, 1)
    for number in range(len(views)):
        picture = pictures(number)
        if picture is None:
            continue
        both = torch.cat([picture.float(), torch.ones(*picture.shape[:2], 1)], dim=2)
        gathered = views[number].adjoint(Image(both))
        total += gathered[:, :channels]
        weight += gathered[:, channels:]
    return torch.where(weight > 0, total / weight.clamp_min(1e-12), 0.0), weight


def lift_masks(views: Sequence[ViewOperator], masks: Pictures, num_colours: int) -> tuple[Colours, Colours]:
    """The weights (n, 1) in [0, 1] whose masks in the views are closest to `masks` (h, w, 1), and Σ Aᵀ 1, (n, 1).

    A mask says for each pixel how much of what it shows is inside, however much of the pixel that covers. The means of
    `lift` are corrected by those of what is missing, SIRT (Gilbert 1972): pixels that show several rows are so shared
    out among them. Constant masks stay as they are.
    """
    weights, seen = lift(views, masks, num_colours, 1)

    def missing(number: int) -> Image | None:
        mask = masks(number)
        if mask is None:
            return None
        view = views[number]
        return Image(torch.where(view.coverage > _NOTHING, mask - shown_share(view, weights), 0.0))

    for _ in range(_ROUNDS):
        weights = (weights + lift(views, missing, num_colours, 1)[0]).clamp(0, 1)
    return weights, seen


def shown_share(view: ViewOperator, weights: Colours) -> Image:
    """How much of what each pixel shows (h, w, 1) is inside, given rows' weights (n, 1): what `lift_masks` takes.

    0 where a pixel shows nothing.
    """
    coverage = view.coverage.float()
    return Image(torch.where(coverage > _NOTHING, view.mask(weights) / coverage.clamp_min(_NOTHING), 0.0))
