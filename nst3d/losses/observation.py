"""What a loss may look at: one view's image and its features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nst3d.tensors import Mask, Planes

IMAGE = "image"
"""The pseudo-layer that holds the picture itself."""


@dataclass(frozen=True)
class Observation:
    """One view, encoded."""

    features: Mapping[str, Planes]
    """Layer name to (c, h, w). The pseudo-layer `IMAGE` holds the picture, (3, h, w) in [0, 1]."""
    masks: Mapping[str, Mask] = field(default_factory=dict)
    """Layer name to (h, w) in {0, 1}: the positions that count. A layer without one counts everywhere."""
    view: int = 0
    """Which view of the rig this is."""

    def mask(self, layer: str) -> Mask | None:
        """The positions of `layer` that count, or None for all."""
        return self.masks.get(layer)
