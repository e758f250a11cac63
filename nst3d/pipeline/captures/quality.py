"""Exposure and sharpness of a capture's photographs, relative to those taken nearby."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst3d.formats.captures.photos import load_small
from nst3d.images.colour import LUMA
from nst3d.representations.capture import Photo
from nst3d.tensors import Array

_PIXELS = 640 * 480
"""Size at which photographs are compared."""
_NEIGHBOURS = 6
_DARK = 1e-3
_JUMP = 0.3
"""Smallest difference in exposure that is reported, in stops (factors of two)."""
_BLUR = 0.35
"""Fraction of the neighbours' sharpness below which a photograph is reported as blurred."""
_OUTLIER = 4.0
"""Robust standard deviations from the other photographs that are required as well."""


@dataclass(frozen=True)
class Quality:
    """Measures of each photograph relative to its neighbours; (n,) float64."""

    exposure: Array
    """Stops by which a photograph is brighter than its neighbours."""
    sharpness: Array
    """Variance of the Laplacian, relative to the brightness, divided by that of its neighbours."""

    def jumps(self) -> list[int]:
        """Photographs whose exposure differs, the worst first."""
        away = np.abs(self.exposure - np.median(self.exposure))
        found = np.flatnonzero(away > max(_JUMP, _OUTLIER * _deviation(self.exposure)))
        return found[np.argsort(-away[found], kind="stable")].tolist()

    def blurred(self) -> list[int]:
        """Photographs that are blurred, the worst first."""
        logs = np.log(self.sharpness)
        limit = min(math.log(_BLUR), float(np.median(logs)) - _OUTLIER * _deviation(logs))
        return [i for i in self.blurriest() if logs[i] < limit]

    def blurriest(self) -> list[int]:
        """All photographs, the least sharp relative to its neighbours first."""
        return np.argsort(self.sharpness, kind="stable").tolist()


def measure_quality(photos: Sequence[Photo]) -> Quality:
    """The exposure and sharpness of photographs relative to the median of the six nearest ones."""
    measures = np.log2([_measure(photo) for photo in photos])
    beside = neighbours(photos)
    relative = measures - np.median(measures[beside], axis=1)
    return Quality(relative[:, 0], 2.0 ** relative[:, 1])


def neighbours(photos: Sequence[Photo]) -> Array:
    """(n, k) indices of the photographs with the most similar poses, the most similar first."""
    positions = np.stack([p.camera.position for p in photos])
    forwards = np.stack([p.camera.forward for p in photos])
    spread = max(float(np.linalg.norm(positions - positions.mean(0), axis=1).mean()), 1e-12)
    apart = np.linalg.norm(positions[:, None] - positions, axis=-1) / spread
    apart += np.arccos(np.clip(forwards @ forwards.T, -1, 1))
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1, kind="stable")[:, : min(_NEIGHBOURS, len(photos) - 1)]


def _measure(photo: Photo) -> tuple[float, float]:
    """Mean linear brightness, and Laplacian variance over its square, of opaque pixels; never 0."""
    pixels, alpha = load_small(photo, _PIXELS)
    grey = pixels @ np.array(LUMA, np.float32)
    opaque = np.ones(grey.shape, bool) if alpha is None else alpha > 0.99
    inside = opaque[1:-1, 1:-1] & opaque[:-2, 1:-1] & opaque[2:, 1:-1] & opaque[1:-1, :-2] & opaque[1:-1, 2:]
    if not inside.any():
        return _DARK, _DARK
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    light = grey[opaque] ** np.float32(2.2)
    contrast = float(laplacian[inside].var()) / max(float(grey[opaque].mean()), _DARK) ** 2
    return max(float(light.mean()), _DARK), max(contrast, _DARK**2)


def _deviation(values: Array) -> float:
    """The standard deviation estimated from the middle half of the values."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
