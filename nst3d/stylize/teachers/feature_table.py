"""Features in the rows of a scene's table, in place of colours: one feature at each place, whichever view shows it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.networks.transport import AffineMap
from nst3d.operators.base import ViewOperator
from nst3d.operators.solve import SolveOptions, bake
from nst3d.tensors import Colours, Features, Image

_SOLVE = SolveOptions(iterations=6)
"""Views disagree about features by a fifth: after more iterations rows fit what only single positions show."""
_TOGETHER = 16
"""Channels lifted at a time, which bounds memory."""


def lifted(views: Sequence[ViewOperator], features: Sequence[Features], plain: torch.Tensor) -> Colours:
    """The table (n, c) float32 whose views are closest to features (c, h, w), by least squares.

    `plain` (c,) are the features of the background. Positions count by their squared coverage: at a silhouette,
    features know of the background, too. Rows that no view sees have the mean of all features.
    """
    weights = [Image(view.coverage.square()) for view in views]
    pictures = [Image(f.float().permute(1, 2, 0)) for f in features]
    count = sum((w.sum() for w in weights), torch.zeros(())).clamp_min(1e-12)
    total = sum(((p * w).sum((0, 1)) for p, w in zip(pictures, weights)), torch.zeros(len(plain)))
    parts = []
    for channels in torch.arange(len(plain)).split(_TOGETHER):
        start = (total[channels] / count).repeat(views[0].num_colours, 1)
        some = [Image(picture[..., channels].contiguous()) for picture in pictures]
        parts.append(bake(views, some, start, _SOLVE, weights, plain[channels].float()))
    return torch.cat(parts, 1)


def shown(views: Sequence[ViewOperator], table: Colours, plain: torch.Tensor) -> list[Features]:
    """The features (c, h, w) that views show of a table (n, c) in front of `plain` (c,)."""
    return [Features(view.render(table, plain).permute(2, 0, 1)) for view in views]


def moved(move: AffineMap, table: Colours) -> Colours:
    """The table (n, c) after a map of its rows.

    As views are linear and their weights sum to their coverage, each shows what the map makes of the features that
    it showed before, if the background's are mapped, too.
    """
    return move(Features(table.T[:, None]))[:, 0].T.contiguous()
