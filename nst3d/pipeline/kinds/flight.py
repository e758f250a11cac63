"""Chooses the cameras of a video: path, number of frames and size."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.cameras.crowd import mean_camera, meet, surround
from nst3d.cameras.orbits import DOWN, INSIDE, Orbit, orbit_around, pan
from nst3d.cameras.paths import (
    Flight,
    Target,
    Viewport,
    fitting_size,
    fly,
    framed,
    helix_directions,
    own_view,
    shares,
    spiral,
    swing,
    tour_flight,
    tour_frames,
)
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.spline import eased
from nst3d.errors import ConfigError, InputError
from nst3d.formats.flights.registry import is_camera_path, load_camera_path
from nst3d.pipeline.kinds.shown import Shown
from nst3d.tensors import Array, ImageSize

PATHS = ("auto", "orbit", "spiral", "inside", "cameras")
_FIELD = math.radians(40)
_FPS = 24.0
_ELEVATION = math.radians(18)
_HELIX = (math.radians(20), math.radians(25))
"""Start and rise of a spiral around a scene without cameras."""
_SECONDS_A_KEY = 2.0
_MOST_FRAMES = 100_000


@dataclass(frozen=True)
class Way:
    """Camera path options. None: from the path's own file, or chosen for the scene."""

    path: str = "auto"
    """auto (orbit, and then inside if there is a room), orbit, spiral, inside (a turn in a room), cameras (through the
    capture's), or a file: keyframes in YAML, nerfstudio's JSON."""
    frames: int | None = None
    seconds: float | None = None
    fps: float | None = None
    size: ImageSize | None = None
    field_of_view: float | None = None
    """Field of view of the shorter side, in radians."""
    elevation: float | None = None
    """Elevation of an orbit, or of the start of a spiral, above the horizon, in radians."""
    turns: float | None = None
    """Number of turns of an orbit or spiral; negative for the other direction."""
    ease: float | None = None
    """Fraction of the time, up to 0.5, for accelerating from rest, and again for decelerating to rest."""
    loop: bool = False
    """Close a path of cameras or keyframes; orbits and spirals are always closed."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid settings."""
        for name in ("seconds", "fps", "field_of_view", "elevation", "turns", "ease"):
            if not math.isfinite(_or(getattr(self, name), 0)):
                raise ConfigError(f"`{name}` {getattr(self, name)}: expected a finite number")
        size = self.size
        if size is not None and not 16 <= min(size) <= max(size) <= 8192:
            raise ConfigError(f"size {size.width}x{size.height}: expected sides from 16 to 8192 pixels")
        if self.frames is not None and self.seconds is not None:
            raise ConfigError("give frames or seconds, not both; `fps` relates them")
        if not (1 <= _or(self.frames, 1) <= _MOST_FRAMES and 0.1 <= _or(self.fps, 1) <= 240):
            raise ConfigError("a video needs 1 to 100000 frames, at 0.1 to 240 frames per second")
        if not 0 < _or(self.seconds, 1) <= 86400:
            raise ConfigError(f"{self.seconds:g} seconds: a video must last more than 0 and at most 86400")
        if not 0.0 < _or(self.field_of_view, 1) < 2.6:
            raise ConfigError("the field of view must be between 0 and 150 degrees")
        if not abs(_or(self.elevation, 0)) < 1.56:
            raise ConfigError("the elevation must be between -89 and 89 degrees")
        if not abs(_or(self.turns, 1)) <= 1000:
            raise ConfigError(f"{self.turns:g} turns: expected -1000 to 1000")
        if not 0 <= _or(self.ease, 0) <= 0.5:
            raise ConfigError(f"ease {self.ease:g}: expected a fraction of the time from 0 to 0.5")


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


@dataclass(frozen=True)
class Plan:
    """The camera of every frame."""

    cameras: tuple[Camera, ...]
    shares: Array
    """Fraction of the path at each frame, (n,) in [0, 1]."""
    fps: float


def read_way(way: Way, up: Array | None = None) -> Flight | None:
    """The flight in the file named by a way, or None if it names a built-in path.

    `up`: the scene's, for files without their own. Raises ConfigError for any other name, InputError for a
    file that cannot be read.
    """
    if way.path in PATHS:
        return None
    path = Path(way.path)
    if not is_camera_path(path):
        raise ConfigError(
            f"path {way.path!r} is not known: choose {', '.join(PATHS)}, or give a .yaml with keyframes or a"
            " camera_path.json from nerfstudio"
        )
    return load_camera_path(path, up)


def plan(shown: Shown, way: Way) -> Plan:
    """The cameras along a way through a scene."""
    flight = read_way(way, shown.orientation.up)
    if flight is not None:
        return _along_keys(_in_scene(flight, shown, way), way)
    if way.path == "cameras":
        if not shown.cameras:
            raise InputError("the scene has no cameras to follow; give `cameras`, a capture")
        cameras = tuple(shown.cameras)
        seen = own_view(cameras, way.size or fitting_size(cameras))
        return _along_keys(tour_flight(cameras, way.loop), way, seen, tour_frames(cameras))
    if way.path == "auto" and shown.room is not None:
        return _out_and_in(shown, way)
    path = "orbit" if way.path == "auto" else way.path
    turns = _or(way.turns, 2.0 if path == "spiral" else 1.0)
    closed = float(turns).is_integer()
    frames = _frames(way, 144 if path == "spiral" else 96, _or(way.fps, _FPS))
    u = eased(shares(frames, closed), _or(way.ease, 0.0))
    kinds = _AMONG if shown.cameras else _AROUND
    return Plan(tuple(kinds[path](shown, way, turns, u)), u, _or(way.fps, _FPS))


def _out_and_in(shown: Shown, way: Way) -> Plan:
    """An orbit and a turn inside, each half of the frames."""
    frames = _frames(way, 192, _or(way.fps, _FPS))
    halves = {"orbit": frames - frames // 2, "inside": frames // 2}
    plans = [
        plan(shown, dataclasses.replace(way, path=path, frames=count, seconds=None))
        for path, count in halves.items()
        if count
    ]
    cameras = tuple(camera for part in plans for camera in part.cameras)
    return Plan(cameras, shares(frames, True), plans[0].fps)


def _orbit_around(shown: Shown, way: Way, turns: float, u: Array) -> list[Camera]:
    view = _view(way)
    orbit = Orbit(len(u), view.size, _or(way.elevation, _ELEVATION), view.field_of_view, turns)
    return orbit_around(_subject(shown), orbit, u)


def _spiral_around(shown: Shown, way: Way, turns: float, u: Array) -> list[Camera]:
    start = _or(way.elevation, _HELIX[0])
    heights = (start, start + _HELIX[1])
    directions = helix_directions(u, turns, shown.orientation, heights)
    ring = helix_directions(np.linspace(0, 1, 64), 2, shown.orientation, heights)
    return framed(_subject(shown), directions, _view(way), ring)


def _orbit_among(shown: Shown, way: Way, turns: float, u: Array) -> list[Camera]:
    place = surround(shown.cameras, shown.orientation.up, _focus(shown))
    return swing(place, u, turns, _seen(shown, way), way.elevation)


def _spiral_among(shown: Shown, way: Way, turns: float, u: Array) -> list[Camera]:
    place = surround(shown.cameras, shown.orientation.up, _focus(shown))
    return spiral(place, u, turns, _seen(shown, way), way.elevation)


def _inside(shown: Shown, way: Way, turns: float, u: Array) -> list[Camera]:
    if shown.room is None:
        raise InputError(
            "no room is found in the scene to turn in; take `path='orbit'`, or a file with keyframes"
        )
    view = Viewport(_view(way).size, _or(way.field_of_view, INSIDE))
    return pan(shown.room, shown.orientation, view, u * turns, _or(way.elevation, DOWN))


_Kind = Callable[[Shown, Way, float, Array], list[Camera]]
_AROUND: dict[str, _Kind] = {"orbit": _orbit_around, "spiral": _spiral_around, "inside": _inside}
_AMONG: dict[str, _Kind] = {"orbit": _orbit_among, "spiral": _spiral_among, "inside": _inside}


def _subject(shown: Shown) -> Target:
    centre = (shown.hull.min(0) + shown.hull.max(0)) / 2
    # A mesh's bounding box is already centred, up to rounding, and the points may be a subset.
    reach = np.abs(shown.hull).max()
    return Target(
        shown.hull, np.zeros(3) if np.abs(centre).max() < 1e-2 * reach else centre, shown.orientation
    )


def _view(way: Way) -> Viewport:
    return Viewport(way.size or ImageSize(512, 512), _or(way.field_of_view, _FIELD))


def _seen(shown: Shown, way: Way) -> Viewport:
    """The viewport of the capture's cameras, unless a field of view is given."""
    view = own_view(shown.cameras, way.size or fitting_size(shown.cameras))
    return view if way.field_of_view is None else Viewport(view.size, way.field_of_view)


def _focus(shown: Shown) -> float | None:
    """The scene's distance from its middle camera, if the cameras' axes do not converge; otherwise None."""
    if meet(shown.cameras):
        return None
    camera = mean_camera(shown.cameras, 64)
    frame = shown.frame(camera, depth=True)
    seen = frame.depth[(frame.opacity > 0.5) & np.isfinite(frame.depth)]
    return float(np.median(seen)) if len(seen) else None


def _in_scene(flight: Flight, shown: Shown, way: Way) -> Flight:
    """The flight in rendering coordinates, with the way's options taking precedence."""
    keys = tuple(dataclasses.replace(k, pose=shown.placed(k.pose)) for k in flight.keys)
    if way.field_of_view is not None:
        keys = tuple(dataclasses.replace(k, field_of_view=None) for k in keys)
    return dataclasses.replace(flight, keys=keys, closed=flight.closed or way.loop)


def _along_keys(flight: Flight, way: Way, view: Viewport | None = None, usual: int | None = None) -> Plan:
    size = way.size or flight.size or (view.size if view else ImageSize(512, 512))
    if not 16 <= min(size) <= max(size) <= 8192:
        raise ConfigError(f"size {size.width}x{size.height}: sides from 16 to 8192 pixels can be rendered")
    field = way.field_of_view or (view.field_of_view if view else _FIELD)
    fps = _or(way.fps, _or(flight.fps, _FPS))
    frames = _frames(way, usual or _own_frames(flight, fps), fps)
    closed = flight.closed and len(flight.keys) > 1
    u = eased(shares(frames, closed), _or(way.ease, _or(flight.ease, 0.0)))
    return Plan(tuple(fly(dataclasses.replace(flight, closed=closed), u, Viewport(size, field))), u, fps)


def _frames(way: Way, usual: int, fps: float) -> int:
    frames = way.frames if way.seconds is None else max(1, round(way.seconds * fps))
    return min(frames or usual, _MOST_FRAMES)


def _own_frames(flight: Flight, fps: float) -> int:
    """The number of frames a file specifies at `fps`."""
    if flight.frames is not None:
        return max(1, round(flight.frames * fps / (flight.fps or fps)))
    keys = flight.keys
    seconds = flight.seconds
    if seconds is None and keys[0].time is not None and keys[-1].time is not None:
        seconds = (flight.back if flight.closed and flight.back else keys[-1].time) - keys[0].time
    if seconds is None or seconds <= 0:
        seconds = max(1, len(keys) - (not flight.closed)) * _SECONDS_A_KEY
    return max(1, round(seconds * fps))
