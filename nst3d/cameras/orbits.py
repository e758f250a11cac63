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
INSIDE = math.radians(85)
"""Usual field of view inside a room, radians."""
DOWN = -math.radians(20)
"""Usual elevation of a view inside a room, in which things stand on the floor."""


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


def pan(
    position: Array, orientation: Orientation, view: Viewport, turns: Array, elevation: float = 0.0
) -> list[Camera]:
    """Cameras that turn around the up axis on one spot, by `turns` (n,) from the front.

    They look up by `elevation` radians, down where it is negative.
    """
    right, up, front = orientation.axes().T
    angle = 2 * math.pi * np.asarray(turns)[:, None]
    level = -np.cos(angle) * front - np.sin(angle) * right
    ways = math.cos(elevation) * level + math.sin(elevation) * up
    poses = [look_at(position, position + way, orientation.up) for way in ways]
    return [view.camera(pose) for pose in poses]
