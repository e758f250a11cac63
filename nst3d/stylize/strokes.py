"""Strokes that keep their size on the surface: which parts of a view are compared with the styles at which scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
import torch.nn.functional as F

from nst3d.losses.base import Loss
from nst3d.losses.observation import Observation
from nst3d.losses.rows import covered_positions, take_rows
from nst3d.stylize.stage_scene import StageScene
from nst3d.tensors import Features, Mask

_ALIKE = 1.3
"""Ratio of views' footprints up to which strokes are left as large as they are."""
_STEPS = 4
"""Scales per octave at which styles are encoded: strokes are at most 9 % larger or smaller than they should be."""
_SMALLEST, _LARGEST = -2.0, 1.0
"""Octaves by which styles are scaled at most. Larger strokes than twice the usual take four times the memory to encode,
and are larger than what deep layers see."""
_LEAST = 0.1
"""Least share of a view for a band of its own: statistics of fewer positions are noise."""


@dataclass(frozen=True)
class Band:
    """A part of a view in which a pixel is about equally large on the surface."""

    scale: float
    """Scale of the styles there, relative to the usual."""
    cells: Mask
    """(h, w) bool: where it is, at any resolution of the view."""


def stroke_bands(scene: StageScene) -> Sequence[Sequence[Band]] | None:
    """The bands of each view; None if pixels are about as large on the surface in all views, or nobody knows.

    Where a view's pixels are half as large on the surface as the scene's median, styles have twice the usual scale. A
    view has one band for each octave around its own median that holds a tenth of it at least.
    """
    if scene.footprint is None:
        return None
    sizes = [scene.footprint(view) for view in range(scene.num_views)]
    medians = [found.median() for s in sizes if len(found := s[s.isfinite()])]
    if not medians or max(medians) <= _ALIKE * min(medians):
        return None
    typical = torch.cat([s[s.isfinite()] for s in sizes]).median()
    return [_bands(torch.log2(typical / size)) for size in sizes]


def _bands(octaves: torch.Tensor) -> list[Band]:
    """The bands of a view, from the octaves (h, w) by which styles should be scaled; what is NaN is in the largest."""
    known = octaves[octaves.isfinite()]
    if not len(known):
        return [Band(1.0, torch.ones_like(octaves, dtype=torch.bool))]
    bins = (octaves - known.median()).round().nan_to_num(0)
    for side in (1, -1):  # from the outermost inwards, what is too small joins the next
        for number in range(int((side * bins).max()), 0, -1):
            if (side * bins[octaves.isfinite()] >= number).float().mean() < _LEAST:
                bins = torch.where(side * bins >= number, torch.full_like(bins, side * (number - 1)), bins)
    found: dict[float, Mask] = {}
    for number in bins.unique():
        inside = bins == number
        usual = octaves[inside & octaves.isfinite()]
        if len(usual):
            step = round(float(usual.median().clamp(_SMALLEST, _LARGEST)) * _STEPS)
            scale = 2.0 ** (step / _STEPS)
            found[scale] = found[scale] | inside if scale in found else inside
    return [Band(scale, cells) for scale, cells in found.items()]


@final
class BandedLoss(Loss):
    """A loss that compares each band of a view with the styles at the band's scale, by its share of the view."""

    def __init__(self, bands: Sequence[Sequence[Band]], losses: Mapping[float, Loss]) -> None:
        """`bands` of each view; `losses` by scale, of which some may be missing: those bands do not count."""
        super().__init__()
        self.layers = tuple(dict.fromkeys(layer for loss in losses.values() for layer in loss.layers))
        self.bands, self.losses = bands, dict(losses)

    def forward(self, observation: Observation) -> torch.Tensor:
        """The mean over bands, a scalar."""
        bands = [band for band in self.bands[observation.view] if band.scale in self.losses]
        if len(self.bands[observation.view]) == len(bands) == 1:
            return self.losses[bands[0].scale](observation)
        masks = [{layer: _inside(band.cells, observation, layer) for layer in self.layers} for band in bands]
        counts = [float(mask[self.layers[0]].sum()) for mask in masks]
        unordered = all(self.losses[band.scale].unordered for band in bands)
        parts = _gathered(observation, masks) if unordered else [replace(observation, masks=m) for m in masks]
        found = [
            count / sum(counts) * self.losses[band.scale](part)
            for band, part, count in zip(bands, parts, counts)
            if count
        ]
        return torch.stack(found).sum() if found else observation.features[self.layers[0]].sum() * 0


def _gathered(observation: Observation, masks: Sequence[Mapping[str, Mask]]) -> list[Observation]:
    """The parts of an observation in masks by layer, as (c, 1, n): all in one copy, which is faster than masks."""
    parts: list[dict[str, Features]] = [{} for _ in masks]
    for layer in masks[0] if masks else ():
        features = observation.features[layer]
        index = [covered_positions(mask[layer]) for mask in masks]
        rows = take_rows(features.permute(1, 2, 0).reshape(-1, features.shape[0]), torch.cat(index))
        for part, own in zip(parts, rows.split([len(i) for i in index])):
            part[layer] = own.T[:, None]
    return [replace(observation, features=part, masks={}, derived={}) for part in parts]


def _inside(cells: Mask, observation: Observation, layer: str) -> Mask:
    """A layer's positions (h, w) that count and lie in the cells."""
    features, own = observation.features[layer], observation.mask(layer)
    size = features.shape[1:]
    mask = F.interpolate(cells[None, None].to(features.device).float(), size, mode="nearest")[0, 0]
    return Mask(mask if own is None else mask * own)
