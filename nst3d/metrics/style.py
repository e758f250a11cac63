"""How far pictures are from a style, by the features of an encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple, final

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.features.encoder import Encoder
from nst3d.tensors import Features, Mask, Planes

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
_MOST = 16_384
"""Positions of a layer that are sorted at most; the Gram matrices are of all."""
_SLICES = 256

Masked = tuple[Planes, Mask | None]
"""A picture (3, h, w) in [0, 1] and the mask (h, w) of what counts (above 0.5); None: everything."""


class StyleDistance(NamedTuple):
    """Distances to a style, means over layers; 0: the same statistics."""

    gram: float
    """Norm of the difference of mean Gram matrices, in units of the style's norm."""
    sliced: float
    """Sliced Wasserstein distance of the features, in units of their root mean square in the style."""


class LayerDistance(NamedTuple):
    """Distances to a style in one layer; 0: the same statistics."""

    gram: float
    """Norm of the difference of mean Gram matrices, in units of the style's norm."""
    sliced: float
    """Sliced Wasserstein distance of the features, in units of their root mean square in the style."""
    moments: float
    """Distance of the channels' means and standard deviations, in units of the length of the style's."""


def style_distance(
    encoder: Encoder, pictures: Iterable[Masked], styles: Iterable[Masked], layers: Sequence[str] = LAYERS
) -> StyleDistance:
    """The distance between the features of all pictures together and those of all style pictures.

    It is about what no optimiser saw if the encoder is one that painting did not use. ValueError if nothing counts.
    """
    found = layer_distances(encoder, pictures, styles, layers).values()
    return StyleDistance(*(sum(values) / len(values) for values in list(zip(*found))[:2]))


def layer_distances(
    encoder: Encoder, pictures: Iterable[Masked], styles: Iterable[Masked], layers: Sequence[str] = LAYERS
) -> dict[str, LayerDistance]:
    """By layer, the distances of which `style_distance` gives the means, and that of moments."""
    return StyleJudge(encoder, styles, layers).distances(pictures)


@final
class StyleJudge:
    """A style's features, read once, for distances of one view after the other."""

    def __init__(self, encoder: Encoder, styles: Iterable[Masked], layers: Sequence[str] = LAYERS) -> None:
        """Keep the features of all style pictures together. ValueError if nothing counts."""
        self._encoder, self.layers = encoder, tuple(layers)
        self._wanted = _rows(encoder, styles, self.layers)

    @cached_property
    def _sliced(self) -> dict[str, SlicedTarget]:
        return {layer: SlicedTarget(_some(rows)) for layer, rows in self._wanted.items()}

    def gram(self, pictures: Iterable[Masked]) -> float:
        """The mean over layers of the Gram distance of all pictures together. ValueError if nothing counts."""
        painted = _rows(self._encoder, pictures, self.layers)
        found = [gram_distance(painted[layer], self._wanted[layer]) for layer in self.layers]
        return sum(found) / len(found)

    def distances(self, pictures: Iterable[Masked]) -> dict[str, LayerDistance]:
        """The distances of all pictures together, by layer. ValueError if nothing counts."""
        painted, found = _rows(self._encoder, pictures, self.layers), {}
        for layer in self.layers:
            mine, target = painted[layer], self._wanted[layer]
            unit = target.square().mean().sqrt().clamp_min(torch.finfo(target.dtype).tiny)
            sliced = self._sliced[layer].distance(_some(mine)) / float(unit)
            found[layer] = LayerDistance(gram_distance(mine, target), sliced, moment_distance(mine, target))
        return found


def gram_distance(rows: torch.Tensor, target: torch.Tensor) -> float:
    """‖G − A‖ / ‖A‖ of the mean Gram matrices of rows (n, c) and (m, c)."""
    ours, wanted = rows.T @ rows / len(rows), target.T @ target / len(target)
    return float((ours - wanted).norm() / wanted.norm().clamp_min(torch.finfo(wanted.dtype).tiny))


def moment_distance(rows: torch.Tensor, target: torch.Tensor) -> float:
    """‖m - t‖ / ‖t‖ of the means and standard deviations, (2 c,), of the columns of rows (n, c) and (m, c)."""
    ours, wanted = (torch.cat([each.mean(0), each.std(0, correction=0)]) for each in (rows, target))
    return float((ours - wanted).norm() / wanted.norm().clamp_min(torch.finfo(wanted.dtype).tiny))


def sliced_wasserstein(
    rows: torch.Tensor, other: torch.Tensor, slices: int = _SLICES, seed: int = 0
) -> float:
    """The sliced 2-Wasserstein distance between rows (n, c) and (m, c): root mean square over directions.

    The directions are whole orthonormal bases, at least `slices` in all (Bonneel et al. 2015, with bases in place of
    independent directions): a shift by v is |v| / √c away, exactly. Rows of different numbers are compared at the
    quantiles of the smaller.
    """
    return SlicedTarget(other, slices, seed).distance(rows)


@final
class SlicedTarget:
    """Rows along random directions, sorted once, for the sliced Wasserstein distance of many others."""

    def __init__(self, rows: torch.Tensor, slices: int = _SLICES, seed: int = 0) -> None:
        """Rows (m, c); directions as `sliced_wasserstein` has them."""
        channels, generator = rows.shape[1], torch.Generator().manual_seed(seed)
        self._length, self._sorted = len(rows), list[tuple[torch.Tensor, torch.Tensor]]()
        for _ in range(-(-slices // channels)):
            draw = torch.randn(channels, channels, generator=generator, dtype=torch.float64)
            basis = torch.linalg.qr(draw).Q.to(rows)
            self._sorted.append((basis, _ordered(rows @ basis)))

    def distance(self, rows: torch.Tensor) -> float:
        """The sliced 2-Wasserstein distance of rows (n, c); see `sliced_wasserstein`."""
        count, total = min(len(rows), self._length), 0.0
        for basis, wanted in self._sorted:
            mine = _quantiles(_ordered(rows @ basis), count)
            total += float((mine - _quantiles(wanted, count)).square().mean())
        return float((total / len(self._sorted)) ** 0.5)


def _ordered(values: torch.Tensor) -> torch.Tensor:
    """The columns of (n, c), each sorted."""
    # numpy sorts several times as fast as torch on the CPU, along the axis that lies together in memory.
    return torch.from_numpy(np.sort(values.detach().cpu().T.contiguous().numpy(), axis=1)).T


def _quantiles(ordered: torch.Tensor, count: int) -> torch.Tensor:
    """`count` equally spaced quantiles (count, c) of sorted columns (n, c), linear between values."""
    if len(ordered) == count:
        return ordered
    places = ((torch.arange(count, dtype=torch.float64) + 0.5) / count * len(ordered) - 0.5).clamp(
        0, len(ordered) - 1
    )
    low = places.floor().long()
    share = (places - low).to(ordered)[:, None]
    return torch.lerp(ordered[low], ordered[(low + 1).clamp_max(len(ordered) - 1)], share)


@torch.no_grad()
def _rows(encoder: Encoder, pictures: Iterable[Masked], layers: Sequence[str]) -> dict[str, torch.Tensor]:
    """The features (n, c) float32 by layer, of all positions that count."""
    kept: dict[str, list[torch.Tensor]] = {layer: [] for layer in layers}
    for picture, mask in pictures:
        for layer, features in encoder(picture, layers).items():
            kept[layer].append(_covered(features.float(), mask))
    rows = {layer: torch.cat(parts) for layer, parts in kept.items() if parts}
    if len(rows) < len(layers) or not all(len(each) for each in rows.values()):
        raise ValueError("nothing counts in the pictures: their masks cover no position of a layer")
    return rows


def _covered(features: Features, mask: Mask | None) -> torch.Tensor:
    rows = features.flatten(1).T
    if mask is None:
        return rows
    height, width = features.shape[1:]
    small = F.adaptive_avg_pool2d(mask[None, None].float(), (height, width)).reshape(-1)
    return rows[small > 0.5]


def _some(rows: torch.Tensor) -> torch.Tensor:
    """At most `_MOST` rows, evenly spaced."""
    if len(rows) <= _MOST:
        return rows
    return rows[torch.linspace(0, len(rows) - 1, _MOST, dtype=torch.float64).round().long()]
