"""Another view of the same surface, and the correspondences to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

from nst3d.losses.base import precise
from nst3d.tensors import Features


@dataclass(frozen=True)
class Correspondence:
    """Geometric correspondence from each position of one view's layer to a partner's."""

    grid: torch.Tensor
    """(h, w, 2) float: x, y in the partner's image, from -1 to 1 between its outer edges."""
    valid: torch.Tensor
    """(h, w) bool: both views see the point unoccluded."""

    def at(self, features: Features) -> Features:
        """The partner's features (c, h', w') sampled bilinearly at this view's positions, (c, h, w)."""
        grid = self.grid.to(precise(features))[None]
        warped = F.grid_sample(
            precise(features)[None], grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return warped[0]

    def index(self, height: int, width: int) -> torch.Tensor:
        """Flat index (h, w) int64 of the nearest position in a partner of that size."""
        x = ((self.grid[..., 0] + 1) / 2 * width).floor().long().clamp(0, width - 1)
        y = ((self.grid[..., 1] + 1) / 2 * height).floor().long().clamp(0, height - 1)
        return y * width + x


@dataclass(frozen=True)
class Partner:
    """Another view's last features and choices, and the correspondences to it."""

    correspondences: Mapping[str, Correspondence]
    """Layer (or group of layers, for choices) to correspondence at its size."""
    features: Mapping[str, Features] = field(default_factory=dict)
    """Layer to (c, h', w'), without gradient."""
    choices: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """The partner's `Observation.choices`."""


FindPartner = Callable[[int], "Partner | None"]
"""Maps a view to the partner it is compared with, or None if there is none (yet)."""
