"""Pictures of a mesh for people: contact sheet and turntable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from nst3d.cameras.paths import Subject, View, framed, shares
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation, orbit_directions
from nst3d.images.io import write_image
from nst3d.pipeline.config import OutputOptions
from nst3d.renderers.frames import draw_frame
from nst3d.renderers.mesh import MeshRenderer
from nst3d.representations.surface import Surface
from nst3d.tensors import Array, ImageSize
from nst3d.video.encode import write_mp4

GREY = 0.75
"""The colour in which a bare mesh is shown, sRGB-encoded."""
_ELEVATION = math.radians(18)
_SHEET_ELEVATIONS = (math.radians(12), math.radians(35))


class Drawable(Protocol):
    """A mesh that pictures can be made of: a `MeshScene`, or a `ShownMesh`."""

    @property
    def surface(self) -> Surface:
        """The triangles, with the directions up and front."""

    @property
    def renderer(self) -> MeshRenderer:
        """Of that surface."""

    @property
    def hull(self) -> Array:
        """Points (k, 3) that a view must frame."""


class Look(NamedTuple):
    """A surface in its colours."""

    renderer: MeshRenderer
    colours: Array
    """(n, 3) float32, the table."""


@dataclass(frozen=True)
class Orbit:
    """A circle around a mesh."""

    frames: int = 96
    """Frames in all."""
    size: ImageSize = field(default_factory=lambda: ImageSize(512, 512))
    """Of each frame."""
    elevation: float = _ELEVATION
    """Above the horizon, radians."""
    field_of_view: float = math.radians(40)
    """Of the shorter side, radians."""
    turns: float = 1.0
    """How often the camera goes around; negative: the other way."""


def orbit_cameras(scene: Drawable, orbit: Orbit) -> list[Camera]:
    """Cameras around the mesh, the first in front, all framing it wholly."""
    subject = Subject(scene.hull, np.zeros(3), Orientation(scene.surface.up, scene.surface.front))
    return orbit_around(subject, orbit, shares(orbit.frames, closed=True))


def orbit_around(subject: Subject, orbit: Orbit, u: Array) -> list[Camera]:
    """Cameras at shares `u` of an orbit's time, the first in front, all framing the subject wholly."""
    orientation = subject.orientation
    circle = orbit_directions(max(orbit.frames, 8), orientation, orbit.elevation)
    turn = u * orbit.turns * 2 * math.pi
    level, rise = math.cos(orbit.elevation), math.sin(orbit.elevation)
    local = np.stack([level * np.sin(turn), np.full(len(turn), rise), level * np.cos(turn)], axis=1)
    directions = local @ orientation.axes().T
    return framed(subject, directions, View(orbit.size, orbit.field_of_view), circle)


def draw_frames(look: Look, cameras: list[Camera], output: OutputOptions) -> Iterator[Array]:
    """Lit frames (h, w, 3) over the background, one a camera."""
    background = np.asarray(output.background, np.float32)
    for camera in cameras:
        image = draw_frame(look.renderer, camera, look.colours, output.lighting)
        yield image[..., :3] + (1 - image[..., 3:]) * background


def write_turntable(path: Path, scene: Drawable, colours: Array, output: OutputOptions) -> Path:
    """One turn around the mesh as MP4."""
    cameras = orbit_cameras(scene, Orbit(output.frames, ImageSize(output.size, output.size)))
    write_mp4(path, draw_frames(Look(scene.renderer, colours), cameras, output), output.fps)
    return path


def write_sheet(path: Path, scene: Drawable, looks: Sequence[Look], output: OutputOptions) -> Path:
    """Before and after from eight sides: two rows of four from low, two from higher, after below before."""
    size = ImageSize(output.size, output.size)
    rows = []
    for turn, elevation in enumerate(_SHEET_ELEVATIONS):
        # The upper four stand between the lower four.
        cameras = orbit_cameras(scene, Orbit(8, size, elevation))[turn::2]
        rows += [np.concatenate(list(draw_frames(look, cameras, output)), 1) for look in looks]
    write_image(path, np.concatenate(rows, 0))
    return path
