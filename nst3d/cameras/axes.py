"""The axes that can be a scene's up, and the side that is its front then."""

from __future__ import annotations

from typing import Literal

Up = Literal["auto", "x", "y", "z", "-x", "-y", "-z"]
"""World up; auto: as the file or its format says."""
Direction = tuple[float, float, float]

UP_AND_FRONT: dict[str, tuple[Direction, Direction]] = {
    "x": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "y": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "z": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "-x": ((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "-y": ((0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    "-z": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
}
"""By name of the up axis, unit vectors of up and front; all of `Up` but auto."""
