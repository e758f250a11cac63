"""Regions of a scene, as weights on its colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from nst3d.tensors import Colours


@dataclass(frozen=True)
class Regions:
    """Regions of a scene, as columns of weights on its colour table."""

    columns: Mapping[str, Colours] = field(default_factory=dict)
    """Name to weights (n, 1) in [0, 1], one per row of the finest table."""
    painted: str | None = None
    """The only region whose colours change; None: all of them do."""

    def inside(self, colours: Colours, outside: Colours) -> Colours:
        """`colours` (n, 3) blended with `outside` (n, 3) by the painted region's weights."""
        if self.painted is None:
            return colours
        return outside + self.columns[self.painted].to(outside) * (colours - outside)

    def restored(self, colours: Colours, outside: Colours) -> Colours:
        """`colours` (n, 3), replaced exactly by `outside` (n, 3) where the painted region has no weight."""
        if self.painted is None:
            return colours
        return torch.where(self.columns[self.painted].to(colours.device) > 0, colours, outside.to(colours))
