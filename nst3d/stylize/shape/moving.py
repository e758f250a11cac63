"""The points of a moving mesh."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nst3d.stylize.shape.terms import Topology
from nst3d.tensors import Array


@dataclass(frozen=True)
class Moving:
    """A moving mesh as plain tensors."""

    positions: torch.Tensor
    """(s, 3) at the start, unit sphere."""
    topology: Topology
    """Topology of the points."""
    row: torch.Tensor
    """(s,) int64: the offset that moves each point."""
    linear: torch.Tensor | None
    """(s, 3, 3): linear map from an offset to each point's motion; None: the identity."""
    normals: torch.Tensor
    """(n, 3) unit normals at the offsets."""

    def at(self, offsets: torch.Tensor) -> torch.Tensor:
        """The points (s, 3) moved by offsets (n, 3)."""
        own = offsets[self.row]
        if self.linear is not None:
            own = (self.linear @ own[:, :, None])[:, :, 0]
        return self.positions + own

    @property
    def edges(self) -> torch.Tensor:
        """(e, 2) edges between offsets."""
        ends = self.row[self.topology.edges].sort(1).values
        ends = torch.unique(ends, dim=0)
        return ends[ends[:, 0] != ends[:, 1]]


def as_array(offsets: torch.Tensor) -> Array:
    """Offsets as float64."""
    return offsets.detach().cpu().double().numpy()
