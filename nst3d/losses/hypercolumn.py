"""Hypercolumn matching: Kolkin, Kucera, Paris, Sýkora, Shechtman & Shakhnarovich 2022, "Neural neighbor style transfer"
(NNST)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
import torch.nn.functional as F

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.losses.base import Loss, precise
from nst3d.losses.nnfm import NNFMLoss, Search
from nst3d.losses.observation import Observation
from nst3d.losses.registry import LossInputs, register_loss
from nst3d.losses.rows import covered_rows, spread_positions
from nst3d.tensors import Features, Mask

_COLUMN = "column"


def hypercolumns(seen: Observation, layers: tuple[str, ...]) -> tuple[Features, Mask | None]:
    """The features of several layers at the positions of the first, as one (c, h, w), and which positions count (h, w).

    Finer layers are averaged over the cells of the first, coarser ones are repeated. A position counts if all that its
    column is made of does. None: all positions count.
    """
    height, width = seen.features[layers[0]].shape[1:]
    size = height, width
    # Channels last, as encoders give them and rows are taken from them.
    columns = torch.cat([_resized(seen.features[layer], size).permute(1, 2, 0) for layer in layers], 2)
    columns = columns.permute(2, 0, 1)
    known = [mask for layer in layers if (mask := seen.mask(layer)) is not None]
    if not known:
        return Features(columns), None
    whole = [_resized((mask > 0.5).float()[None], size)[0] >= 1 for mask in known]
    return Features(columns), torch.stack(whole).all(0).to(known[0])


def _resized(planes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Planes (c, h, w) at another size: averaged if that is smaller, repeated if it is larger."""
    (height, width), (tall, wide) = planes.shape[1:], size
    if (height, width) == (tall, wide):
        return planes
    if height >= tall:
        whole = height // tall == width // wide and height % tall == width % wide == 0
        pooled = (
            F.avg_pool2d(planes[None], height // tall) if whole else F.adaptive_avg_pool2d(planes[None], size)
        )
        return pooled.squeeze(0)
    if tall // height == wide // width and tall % height == wide % width == 0:
        repeated: torch.Tensor = _Repeat.apply(planes, tall // height)
        return repeated
    return F.interpolate(planes[None], size, mode="nearest-exact").squeeze(0)


class _Repeat(torch.autograd.Function):
    """Planes (c, h, w) with each position repeated n x n times; the backward pools, faster than interpolation's."""

    @staticmethod
    def forward(ctx: Any, planes: torch.Tensor, times: int) -> torch.Tensor:
        ctx.times = times
        channels, height, width = planes.shape
        rows = planes.permute(1, 2, 0)[:, None, :, None].expand(height, times, width, times, channels)
        return rows.reshape(height * times, width * times, channels).permute(2, 0, 1)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        return F.avg_pool2d(grads[0][None], ctx.times, divisor_override=1).squeeze(0), None


@final
class HypercolumnLoss(Loss):
    """The cosine distance of each covered position's hypercolumn to the nearest of a style's.

    A column joins what is fine and what is coarse at one place, so that strokes and what they depict are chosen
    together. Columns are centred, the view's on its own mean and the style's on the style's, before neighbours are
    found: what matters is how a place differs from the rest of its picture. Neither where things are nor, in that
    search, a constant added to all features counts. Once found, a neighbour's own column is asked for.

    Deviates from the paper in that layers are scaled to equal power in the style, and that neighbours are found anew in
    each step.
    """

    def __init__(
        self,
        styles: Sequence[tuple[Observation, float]],
        layers: tuple[str, ...],
        style_positions: int = 2048,
    ) -> None:
        """Bind the styles' pictures, encoded, each with the share of its positions that counts.

        Of all columns of the styles, `style_positions` are drawn once.
        """
        super().__init__()
        if not layers:
            raise ConfigError("hypercolumn: no layers are given")
        self.layers = layers
        rows = torch.cat([_share(covered_rows(*hypercolumns(seen, layers)), share) for seen, share in styles])
        exact = precise(rows)
        self.mean = exact.mean(0)
        widths = [styles[0][0].features[layer].shape[0] for layer in layers]
        powers = (exact - self.mean).square().mean(0).split(widths)
        self.scale = torch.cat(
            [p.new_full((len(p),), float(p.sum().clamp_min(1e-12).rsqrt())) for p in powers]
        )
        bank = Features(self._centred(rows).T[:, None])
        self.nnfm = NNFMLoss({_COLUMN: bank}, Search(style_positions))

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar; 0 if nothing is covered. It stores no choices."""
        rows = self._centred(covered_rows(*hypercolumns(observation, self.layers)))
        found = self.nnfm.choose(_COLUMN, rows.detach(), centred=True)
        return self.nnfm.distance(_COLUMN, rows, found)

    def _centred(self, rows: torch.Tensor) -> torch.Tensor:
        """Columns (n, c) from the style's mean, with layers of equal power."""
        return (rows - self.mean.to(rows.dtype)) * self.scale.to(rows.dtype)


def _share(rows: torch.Tensor, share: float) -> torch.Tensor:
    return rows[spread_positions(len(rows), share).to(rows.device)]


def _make(inputs: LossInputs) -> Loss:
    return HypercolumnLoss(inputs.encoded(inputs.layers), inputs.layers, inputs.options["style_positions"])


register_loss(
    "hypercolumn",
    _make,
    ("relu3_1", "relu2_1", "relu4_1"),
    {"style_positions": 2048},
    bounds={"style_positions": Within(1, 1 << 20)},
)
