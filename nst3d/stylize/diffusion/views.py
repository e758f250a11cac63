"""Views as a diffusion model takes them: their latents in one grid, in one style's statistics, and in agreement."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.operators.base import ViewOperator
from nst3d.operators.solve import SolveOptions, bake
from nst3d.stylize.diffusion.networks import Latents
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.tensors import Image, Mask, Planes

_BAKE = SolveOptions(iterations=5)
_LEAST = 1e-4
"""A deviation of latents below which a channel is constant."""


def tiled(maps: Sequence[torch.Tensor], side: int) -> list[torch.Tensor]:
    """The maps (c, h, w), `side` × `side` of them in each of fewer (c, side · h, side · w), row by row.

    The last one is filled up with the first maps.
    """
    count = side * side
    found = []
    for first in range(0, len(maps), count):
        block = list(maps[first : first + count])
        block += [maps[k % len(maps)] for k in range(count - len(block))]
        rows = [torch.cat(block[k * side : (k + 1) * side], 2) for k in range(side)]
        found.append(torch.cat(rows, 1))
    return found


def untiled(grids: Sequence[torch.Tensor], side: int, count: int) -> list[torch.Tensor]:
    """The first `count` maps in grids, as `tiled` joined them."""
    maps = [part for grid in grids for row in grid.chunk(side, 1) for part in row.chunk(side, 2)]
    return maps[:count]


def least_size(looks: Sequence[Look], side: int) -> tuple[int, int]:
    """The height and width of the smallest pictures that views go into a grid in; (0, 0) without a grid."""
    if side == 1:
        return 0, 0
    return max(look.image.shape[1] for look in looks), max(look.image.shape[2] for look in looks)


def agreed(latents: Sequence[Latents], looks: Sequence[Look], share: float, stride: int) -> list[Latents]:
    """The latents, moved by `share` of the way to those of one table, which is closest to all of them.

    The table is found by least squares over all views, weighted by coverage; what a view does not cover stays.
    ConfigError for a scene without a table.
    """
    views = []
    for look in looks:
        if look.coarse is None:
            raise ConfigError(
                "teacher diffusion: option blend needs a scene that is a table of colours, which this one is not: set 0"
            )
        views.append(look.coarse(stride))
    pictures = [_fitted(latent, view) for latent, view in zip(latents, views)]
    covers = [view.coverage for view in views]
    # Where a pixel is covered in part, its latents say nothing of the table, as no background is known in latents.
    start = torch.zeros(views[0].num_colours, len(latents[0]))
    goals = [Image(picture * cover) for picture, cover in zip(pictures, covers)]
    table = bake(views, goals, start, _BAKE, weights=covers)
    found = []
    for latent, view, picture, cover in zip(latents, views, pictures, covers):
        shown = view.apply(table) + (1 - cover) * picture
        moved = latent.clone()
        part = torch.lerp(picture, shown, share).permute(2, 0, 1).to(moved)
        moved[:, : view.size[0], : view.size[1]] = part
        found.append(moved)
    return found


def _fitted(latents: Latents, view: ViewOperator) -> Image:
    """Latents (c, h', w') as the picture (h, w, c) of a view, without what lies beyond it."""
    return Image(latents.cpu().float().permute(1, 2, 0)[: view.size[0], : view.size[1]])


def pictures_of(styles: Sequence[Style], looks: Sequence[Look]) -> list[tuple[Planes, float]]:
    """The pictures (3, h, w) of styles as large as the views, on their device, each with the weight of its style."""
    size = max(max(look.image.shape[1:]) for look in looks)
    device = looks[0].image.device
    return [(Planes(picture.to(device)), style.weight) for style in styles for picture in style.at(size)]


def restyled(
    latents: Sequence[Latents],
    looks: Sequence[Look],
    stride: int,
    wanted: tuple[torch.Tensor, torch.Tensor],
    share: float,
) -> list[Latents]:
    """The latents, moved by `share` of the way to a mean and a deviation (c,), channel by channel.

    AdaIN (Huang & Belongie 2017) by one map for all views: statistics are pooled over what they cover.
    """
    mean, deviation = wanted
    covers = [covered(look.coverage, latent, stride) for look, latent in zip(looks, latents)]
    own_mean, own = pooled(latents, covers)
    ratio = torch.where(own > _LEAST, deviation / own.clamp_min(_LEAST), 1.0)
    found = []
    for latent, cover in zip(latents, covers):
        moved = (latent - own_mean[:, None, None]) * ratio[:, None, None] + mean[:, None, None]
        found.append(torch.lerp(latent, moved, share * cover))
    return found


def pooled(
    maps: Sequence[torch.Tensor], weights: Sequence[torch.Tensor | float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean and deviation (c,) of all positions of maps (c, h, w) together, by weights (h, w), or one for a map."""
    each = [
        torch.as_tensor(w, dtype=m.dtype, device=m.device).expand(m.shape[1:]) for m, w in zip(maps, weights)
    ]
    total = torch.stack([w.sum() for w in each]).sum().clamp_min(1e-6)
    mean = torch.stack([(m * w).sum((1, 2)) for m, w in zip(maps, each)]).sum(0) / total
    power = [((m - mean[:, None, None]).square() * w).sum((1, 2)) for m, w in zip(maps, each)]
    return mean, (torch.stack(power).sum(0) / total).sqrt()


def covered(coverage: Mask, latent: Latents, stride: int) -> torch.Tensor:
    """How much of each latent (h', w') is covered, given the coverage (h, w) of pixels; 0 beyond their border."""
    height, width = coverage.shape
    rows, columns = latent.shape[1:]
    padded = F.pad(coverage[None, None], (0, columns * stride - width, 0, rows * stride - height))
    return F.avg_pool2d(padded, stride)[0, 0].to(latent)


def nearness(depth: torch.Tensor) -> torch.Tensor:
    """(3, h, w) in [0, 1]: the picture of a depth (h, w) that ControlNets for depth learnt, light where it is near.

    Inverse depth, from 0 at the farthest that is seen to 1 at the nearest; 0 where there is nothing.
    """
    seen = depth.isfinite() & (depth > 0)
    inverse = torch.where(seen, 1 / depth.clamp_min(1e-9), 0)
    if not bool(seen.any()):
        return torch.zeros(3, *depth.shape)
    least, most = inverse[seen].min(), inverse[seen].max()
    share = torch.where(seen, (inverse - least) / (most - least).clamp_min(1e-12), 0)
    return share.float()[None].expand(3, -1, -1)
