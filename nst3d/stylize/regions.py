"""Parts of a scene, as weights of its colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nst3d.tensors import Colours


@dataclass(frozen=True)
class Regions:
    """Parts of a scene, as columns of weights beside its colour table."""

    columns: Mapping[str, Colours] = field(default_factory=dict)
    """Name to weights (n, 1) in [0, 1], one for each row of the finest table."""
    painted: str | None = None
    """The only region whose colours change; None: all of them do."""
