"""The cameras that a run is evaluated with, which painting did not use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np

from nst3d.bounds import Within, check_bounds
from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.flight import Way, plan
from nst3d.pipeline.kinds.shown import Shown


@dataclass(frozen=True)
class FlightOptions:
    """Which frames of which flight are measured."""

    size: Annotated[int, Within(48, 4096)] = 384
    """Long side of the frames, in pixels."""
    frames: Annotated[int, Within(2, 100_000)] = 96
    """Number of frames of the whole flight, which says how far apart two of them are."""
    clip: Annotated[int, Within(2, 100_000)] = 16
    """Number of successive frames, from the first, whose consistency is measured."""
    views: Annotated[int, Within(1, 1000)] = 8
    """Number of frames, spread over the flight, that are compared with styles and contents."""
    gaps: tuple[Annotated[int, Within(1, 100_000)], ...] = (1, 7)
    """Distances, in frames, of those that are compared with each other."""
    path: str = "auto"
    """Camera path, as for `nst3d render`."""

    def __post_init__(self) -> None:
        """Raise ConfigError for numbers out of bounds, and for a gap that no two frames have."""
        check_bounds(self)
        if not self.gaps:
            raise ConfigError("`gaps` is empty: give at least one distance of frames, such as 1")
        name, successive = min(("clip", self.clip), ("frames", self.frames), key=lambda pair: pair[1])
        if max(self.gaps) >= successive:
            raise ConfigError(
                f"`gaps` has {max(self.gaps)}, and no two of `{name}` = {successive} frames are that far apart: give a"
                f" `{name}` of at least {max(self.gaps) + 1}, or smaller `gaps`"
            )


class Numbers(NamedTuple):
    """Numbers of the frames of a flight that are rendered."""

    clip: tuple[int, ...]
    """Successive ones, whose consistency is measured."""
    views: tuple[int, ...]
    """Those that are compared with styles and contents."""

    @property
    def all(self) -> tuple[int, ...]:
        """All of them, ascending."""
        return tuple(sorted({*self.clip, *self.views}))


def numbers_of(total: int, options: FlightOptions) -> Numbers:
    """The frames that are measured of a flight of `total` frames: the first ones, and some from all over it."""
    every = np.arange(min(options.views, total)) * total / min(options.views, total)
    return Numbers(tuple(range(min(options.clip, total))), tuple(int(n) for n in every))


def cameras_of(shown: Shown, options: FlightOptions) -> list[Camera]:
    """The cameras of the whole flight. They are not those of painting, which sees a scene from a rig or a capture.

    A scene with a capture's cameras is seen by a flight among them, others by an orbit.
    """
    planned = plan(shown, Way(path=options.path, frames=options.frames))
    return [camera.scaled(options.size / max(camera.size)) for camera in planned.cameras]
