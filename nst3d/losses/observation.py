"""The input of a loss: one view's image and its features."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from nst3d.losses.rows import rows_of_regions
from nst3d.tensors import Features, Mask

Choices = torch.Tensor
Result = TypeVar("Result")

IMAGE = "image"
"""Pseudo-layer of the image itself."""


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@dataclass(frozen=True)
class Observation:
    """An encoded view."""

    features: Mapping[str, Features]
    """Layer name to (c, h, w). The pseudo-layer `IMAGE` is the image, (3, h, w) in [0, 1]."""
    masks: Mapping[str, Mask] = field(default_factory=dict)
    """Layer name to (h, w) in {0, 1}: positions that count. Layers without a mask count everywhere."""
    view: int = 0
    """The view's number."""
    choices: dict[str, Choices] = field(default_factory=dict)
    """Style neighbours that losses chose for this view, "loss/group of layers" to (h, w) int64: written by losses, kept
    by a memory of views."""
    generator: Callable[[], torch.Generator] = _seeded
    """Makes a new CPU generator, determined by run, step and view: a loss that draws at random judges alike twice."""

    regions: Sequence[Mapping[str, Mask]] = ()
    """The masks of all regions in which this view is judged, `masks` among them; empty: no others."""
    derived: dict[Hashable, Any] = field(default_factory=dict)
    """What losses computed from the features alone; observations of this view in other regions share it."""

    def once(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """What `compute` gives for the features; computed the first time that it is asked for under this key."""
        if key not in self.derived:
            self.derived[key] = compute()
        found: Result = self.derived[key]
        return found

    def rows(self, layer: str) -> torch.Tensor:
        """The feature vectors (k, c) of the positions of `layer` that count, in scan order."""
        regions = self.regions if any(m is self.masks for m in self.regions) else (self.masks,)
        number = next(k for k, masks in enumerate(regions) if masks is self.masks)
        key = "rows", layer, *(id(masks) for masks in regions)
        taken = self.once(key, lambda: rows_of_regions(self.features[layer], [m.get(layer) for m in regions]))
        return taken[number]

    def mask(self, layer: str) -> Mask | None:
        """The positions of `layer` that count, or None for all."""
        return self.masks.get(layer)
