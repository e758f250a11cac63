"""Hypercolumn matching: Kolkin, Kucera, Paris, Sýkora, Shechtman & Shakhnarovich 2022, "Neural neighbor style transfer"
(NNST)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
import torch.nn.functional as F

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
    size = seen.features[layers[0]].shape[1:]
    columns = torch.cat([_resized(seen.features[layer], size) for layer in layers])
    known = [mask for layer in layers if (mask := seen.mask(layer)) is not None]
    if not known:
        return Features(columns), None
    whole = [_resized((mask > 0.5).float()[None], size)[0] >= 1 for mask in known]
    return Features(columns), torch.stack(whole).all(0).to(known[0])


def _resized(planes: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """Planes (c, h, w) at another size: averaged if that is smaller, repeated if it is larger."""
    if planes.shape[1:] == size:
        return planes
    if planes.shape[1] >= size[0]:
        return F.adaptive_avg_pool2d(planes[None], (size[0], size[1]))[0]
    return F.interpolate(planes[None], tuple(size), mode="nearest-exact")[0]


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
        bank = self._centred(Features(rows.T[:, None]), self.mean)
        self.nnfm = NNFMLoss({_COLUMN: bank}, Search(style_positions))

    def forward(self, observation: Observation) -> torch.Tensor:
        """The loss, a scalar; 0 if nothing is covered. It stores no choices."""
        columns, mask = hypercolumns(observation, self.layers)
        masks = {} if mask is None else {_COLUMN: mask}
        own = precise(covered_rows(columns.detach(), mask))
        mean = own.sum(0) / max(len(own), 1)
        choices = self.nnfm.match(Observation({_COLUMN: self._centred(columns.detach(), mean)}, masks))
        return self.nnfm.loss_for(Observation({_COLUMN: self._centred(columns, self.mean)}, masks), choices)

    def _centred(self, columns: Features, mean: torch.Tensor) -> Features:
        """Columns (c, h, w) from a mean (c,), with layers of equal power."""
        dtype = columns.dtype
        return Features((columns - mean.to(dtype)[:, None, None]) * self.scale.to(dtype)[:, None, None])


def _share(rows: torch.Tensor, share: float) -> torch.Tensor:
    return rows[spread_positions(len(rows), share).to(rows.device)]


def _make(inputs: LossInputs) -> Loss:
    return HypercolumnLoss(inputs.encoded(inputs.layers), inputs.layers, inputs.options["style_positions"])


register_loss("hypercolumn", _make, ("relu3_1", "relu2_1", "relu4_1"), {"style_positions": 2048})
