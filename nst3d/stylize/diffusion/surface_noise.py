"""Noise that lies on the surface, so that all views of it begin alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.operators.base import ViewOperator
from nst3d.operators.composite import Resampled
from nst3d.stylize.look import Look

_PROBES = 256
_FINER = 4
"""How many pixels of the rendered noise are averaged along a latent's side. A mesh's texture is as coarse as the
pixels, so that latents beside each other share texels. On the lighthouse in views of 256 pixels they correlate by 0.27
without averaging, and by 0.16, 0.06 and 0.03 with 2, 4 and 8; views 28 degrees apart by 0.63, 0.59, 0.54 and 0.11."""
_AT_ONCE = 32
"""Channels that a view is applied to at a time, so that memory stays small."""


def surface_noise(
    looks: Sequence[Look], sizes: Sequence[tuple[int, int]], channels: int, stride: int
) -> list[torch.Tensor]:
    """The noise (channels, h', w') of each look, of these sizes: normal, with variance 1.

    A row of the scene's table has one value for all views, z, drawn from the run's seed and step. A latent shows
    A z / √(Σ A²), for the view A whose pixels are `stride` times as large: a sum of independent values with the right
    variance. What a view does not cover is plain noise, and so is everything in a scene without a table. At a border,
    the two are mixed as √c and √(1 − c). Latents of two views are equal if they show the same rows in the same shares,
    and otherwise correlate as their shares overlap, as in Chang et al. 2024, "How I warped your noise": a field that
    correlated more would not be white, which networks expect.
    """
    if not looks:
        return []
    table: torch.Tensor | None = None
    found = []
    for look, (height, width) in zip(looks, sizes):
        noise = torch.randn(channels, height, width, generator=look.generator())
        if look.coarse is not None:
            finer = min(_FINER, stride)
            view = Resampled(look.coarse(stride // finer), finer)
            if table is None:
                table = torch.randn(view.num_colours, channels, generator=_of_run(look))
            rows, columns = min(height, view.size[0]), min(width, view.size[1])
            noise[:, :rows, :columns] = _shown(view, table, noise, rows, columns)
        found.append(noise)
    return found


def _shown(
    view: ViewOperator, table: torch.Tensor, plain: torch.Tensor, rows: int, columns: int
) -> torch.Tensor:
    deviation = deviations(view)
    cover = view.coverage[..., 0].clamp(0, 1) * (deviation > 0)
    own = view.apply(table) / deviation.clamp_min(torch.finfo(deviation.dtype).tiny)[..., None]
    own, cover = own.permute(2, 0, 1)[:, :rows, :columns], cover[:rows, :columns]
    mixed: torch.Tensor = cover.sqrt() * own + (1 - cover).sqrt() * plain[:, :rows, :columns]
    return mixed


def deviations(view: ViewOperator) -> torch.Tensor:
    """√(Σ A²) of each pixel (h, w): the deviation of what it shows of a table of white noise.

    Estimated by 256 tables of random signs, within 4 %, as views do not tell their weights; the signs are the same for
    all views, so that pixels that show the same rows get the same.
    """
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(view.size)
    for _ in range(0, _PROBES, _AT_ONCE):
        signs = torch.randint(0, 2, (view.num_colours, _AT_ONCE), generator=generator) * 2.0 - 1.0
        total += view.apply(signs).square().sum(2)
    return (total / _PROBES).sqrt()


def _of_run(look: Look) -> torch.Generator:
    """A generator that is the same for all views of a step."""
    mixed = look.seed * 1_000_003 + look.step
    return torch.Generator().manual_seed(mixed % (1 << 63))
