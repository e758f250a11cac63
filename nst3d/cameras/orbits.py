"""Cameras on a circle around a subject."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from nst3d.cameras.paths import Target, Viewport, framed
from nst3d.cameras.pinhole import Camera, look_at
from nst3d.cameras.rigs import Orientation, orbit_directions
from nst3d.tensors import Array, ImageSize

_ELEVATION = math.radians(18)


@dataclass(frozen=True)
class Orbit:
    """A circle around a mesh."""

    frames: int = 96
    """Number of frames."""
    size: ImageSize = field(default_factory=lambda: ImageSize(512, 512))
    """Frame size."""
    elevation: float = _ELEVATION
    """Elevation above the horizon, radians."""
    field_of_view: float = math.radians(40)
    """Field of view of the shorter side, radians."""
    turns: float = 1.0
    """Number of turns; negative values go the other way round."""


def orbit_around(subject: Target, orbit: Orbit, u: Array) -> list[Camera]:
    """Cameras at fractions `u` of an orbit's time, starting in front, each framing the whole subject."""
    orientation = subject.orientation
    circle = orbit_directions(max(orbit.frames, 8), orientation, orbit.elevation)
    turn = u * orbit.turns * 2 * math.pi
    level, rise = math.cos(orbit.elevation), math.sin(orbit.elevation)
    local = np.stack([level * np.sin(turn), np.full(len(turn), rise), level * np.cos(turn)], axis=1)
    directions = local @ orientation.axes().T
    return framed(subject, directions, Viewport(orbit.size, orbit.field_of_view), circle)


def pan(position: Array, orientation: Orientation, view: Viewport, frames: int) -> list[Camera]:
    """Cameras that turn once around the up axis on one spot, level, starting to the front."""
    ahead = -orbit_directions(frames, orientation, 0.0)
    poses = [look_at(position, position + direction, orientation.up) for direction in ahead]
    return [view.camera(pose) for pose in poses]
