"""How a scan is cleaned before it is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError


@dataclass(frozen=True)
class CleanOptions:
    """How a scan is cleaned."""

    faces: int | None = None
    """Decimate to about so many; None: to 500 000 where there are more; 0: never."""
    depth: Annotated[int, Within(4, 12)] | None = None
    """Of the octree in which a surface is found for points; None: as fine as the points lie."""

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense, with ConfigError."""
        if self.faces is not None and self.faces != 0 and not 100 <= self.faces <= 50_000_000:
            raise ConfigError(f"setting clean.faces is {self.faces}: expected 0 (all) or 100 to 50000000")
        check_bounds(self, "setting clean.")
