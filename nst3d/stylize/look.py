"""What a guide is shown: one view, rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.tensors import Mask, Planes


@dataclass(frozen=True)
class Look:
    """One render of a view, and when it was made."""

    image: Planes
    """(3, h, w) over the guide's background, differentiable."""
    coverage: Mask
    """(h, w): the view's opacity, in [0, 1]."""
    view: int = 0
    """The view's number."""
    step: int = 0
    """Steps taken before, in all stages."""
    share: float = 0.0
    """The same as a share of all steps, in [0, 1]."""
    camera: Camera | None = None
    """Where the view is seen from; None for pictures."""
    seed: int = 0
    """Seed of the run."""
    regions: Mapping[str, Mask] = field(default_factory=dict)
    """Name of a region to its mask (h, w) in this view: how much of each pixel it covers."""

    def generator(self) -> torch.Generator:
        """A new CPU generator, the same for the same run, step and view: random crops do not change a verdict."""
        mixed = (self.seed * 1_000_003 + self.step) * 1_000_003 + self.view
        return torch.Generator().manual_seed(mixed % (1 << 63))

    def within(self, region: str | None) -> Look:
        """The look with a region for its coverage; None leaves it whole. ConfigError for a region that is not there."""
        if region is None:
            return self
        if region not in self.regions:
            known = ", ".join(self.regions) or "none"
            raise ConfigError(f"region {region!r} is not one of this painting; its regions are: {known}")
        return replace(self, coverage=self.regions[region])
