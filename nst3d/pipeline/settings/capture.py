"""The settings with which the cameras of photographs are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from nst3d.bounds import Within, check_bounds


@dataclass(frozen=True)
class PoseOptions:
    """All settings for finding the cameras of photographs or a video."""

    size: Annotated[int, Within(128, 16384)] = 1000
    """Long side, in pixels, to which photographs are reduced when features are sought; they are kept at full size."""
    features: Annotated[int, Within(256, 32768)] = 4096
    """Maximum number of features per photograph; the strongest are kept."""
    frames: Annotated[int, Within(3, 2000)] = 150
    """Maximum number of frames taken from a video."""
    seed: Annotated[int, Within(0, 2**31 - 1)] = 0
    """Random seed."""
    threads: Annotated[int, Within(0, 4096)] = 0
    """CPU threads; 0: all."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid numbers."""
        check_bounds(self)
