"""The input of a guide: one rendered view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.operators.base import ViewOperator
from nst3d.tensors import Mask, Planes


@dataclass(frozen=True)
class Look:
    """One render of a view, with its position in the run."""

    image: Planes
    """(3, h, w) over the guide's background, differentiable."""
    coverage: Mask
    """(h, w): the view's opacity, in [0, 1]."""
    view: int = 0
    """The view's number."""
    step: int = 0
    """Steps taken so far, in all stages."""
    share: float = 0.0
    """The same as a fraction of all steps, in [0, 1]."""
    camera: Camera | None = None
    """Camera of the view; None for pictures."""
    seed: int = 0
    """Seed of the run."""
    regions: Mapping[str, Mask] = field(default_factory=dict)
    """Region name to its mask (h, w) in this view: the covered fraction of each pixel."""
    coarse: Callable[[int], ViewOperator] | None = None
    """Maps a stride to the view with pixels so many times as large, (⌊h / stride⌋, ⌊w / stride⌋), and without light: a
    linear map from the scene's table, whose rows may then hold anything. None: the scene has no table."""
    through: Callable[[Camera], ViewOperator] | None = None
    """Maps any camera, in the frame of `camera`, to the scene's view through it, without light. None: the scene has no
    table, or no cameras."""
    content: Callable[[], Planes] | None = None
    """What the view showed before painting, (3, h, w); None: it is not known."""
    depth: Callable[[], torch.Tensor] | None = None
    """The view's depth (h, w) along the viewing axis, inf where it shows nothing; None: it has none."""

    def generator(self) -> torch.Generator:
        """A new CPU generator, determined by run, step and view, so that random crops are reproducible."""
        mixed = (self.seed * 1_000_003 + self.step) * 1_000_003 + self.view
        return torch.Generator().manual_seed(mixed % (1 << 63))

    def share_of(self, region: str | None) -> float:
        """The share of what is covered that lies in a region; 1 for None. ConfigError for an unknown region."""
        if region is None:
            return 1.0
        return float(self.within(region).coverage.sum() / self.coverage.sum().clamp_min(1e-6))

    def within(self, region: str | None) -> Look:
        """The look with coverage limited to a region; None: unchanged. ConfigError for an unknown region."""
        if region is None:
            return self
        if region not in self.regions:
            known = ", ".join(self.regions) or "none"
            raise ConfigError(f"region {region!r} is not known in this painting; its regions are: {known}")
        return replace(self, coverage=self.regions[region])
