"""Camera paths: through keyframes, around a point, in a spiral, along the cameras of a capture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst3d.cameras.crowd import Surround, common_view, looked_at, visiting_order
from nst3d.cameras.pinhole import Camera, look_at
from nst3d.cameras.rigs import Orientation, filling, framing_distance, views_from
from nst3d.cameras.spline import (
    cubic_spline,
    even_speed,
    matrices,
    quaternions,
    rotation_spline,
    smoothed,
)
from nst3d.tensors import Array, ImageSize

_LONG_SIDE = 640
"""Most pixels of the longer side of a frame shaped like the photographs, where no size is given."""
_TOUR_CALM = 1000.0
"""Smoothing strength of a tour (`spline.smoothed`), which removes the shake of hand-held photographs."""
_RISE = math.radians(12)
"""Smallest rise of a helix, radians; a lower one looks like a circle."""
_STEEPEST = math.radians(85)
"""Highest elevation, radians; at the zenith a camera would flip over."""


@dataclass(frozen=True)
class Keyframe:
    """A camera pose at a point in time."""

    pose: Array
    """Camera-to-world (4, 4), OpenCV axes."""
    field_of_view: float | None = None
    """Radians; None: the path's."""
    time: float | None = None
    """Seconds; None: set by constant speed from key to key."""


@dataclass(frozen=True)
class Flight:
    """A path through keyframes, with the playback settings from its file."""

    keys: tuple[Keyframe, ...]
    closed: bool = False
    """Whether the path returns from the last key to the first."""
    vertical: bool = False
    """Whether fields of view span the image's height; otherwise they span its shorter side."""
    size: ImageSize | None = None
    frames: int | None = None
    fps: float | None = None
    seconds: float | None = None
    back: float | None = None
    """Time at which a closed flight returns to its first key; None: a usual interval after the last."""
    ease: float | None = None
    up: Array | None = None


@dataclass(frozen=True)
class Viewport:
    """Image size and field of view of the cameras on a path."""

    size: ImageSize
    field_of_view: float
    """Field of view of the shorter side, radians, unless the path sets it."""

    def camera(self, pose: Array, field_of_view: float | None = None, vertical: bool = False) -> Camera:
        """A camera at a pose."""
        angle = self.field_of_view if field_of_view is None else field_of_view
        side = self.size.height if vertical and field_of_view is not None else min(self.size)
        centre = (self.size.width / 2, self.size.height / 2)
        return Camera(pose, side / 2 / math.tan(angle / 2), centre, self.size)


def shares(frames: int, closed: bool) -> Array:
    """Frame times (frames,) as fractions of the duration; a closed path leaves out its end."""
    return np.arange(frames) / max(frames if closed else frames - 1, 1)


def fly(flight: Flight, u: Array, view: Viewport) -> list[Camera]:
    """Cameras at fractions `u` of the time along a flight.

    Positions, rotations and fields of view follow cubic splines through the keys, so that velocity and
    acceleration are continuous. Keys with times are reached at those times; without times, speed is constant.
    """
    keys = flight.keys
    positions = np.array([k.pose[:3, 3] for k in keys])
    turns = quaternions(np.array([k.pose[:3, :3] for k in keys]))
    given = [k.field_of_view for k in keys]
    fields = (
        None if all(f is None for f in given) else [view.field_of_view if f is None else f for f in given]
    )
    if len(keys) == 1:
        pose, field = keys[0].pose, fields[0] if fields else None
        return [view.camera(pose, field, flight.vertical) for _ in u]
    knots = _knots(flight, positions, turns)
    place = cubic_spline(knots, positions, flight.closed)
    facing = rotation_spline(knots, turns, flight.closed)
    if keys[0].time is None:
        spread = _spread(positions)
        along = even_speed(knots, lambda t: _steps(place(t), facing(t), spread))
        t = along(u)
    else:
        t = knots[0] + np.asarray(u) * (knots[-1] - knots[0])
    poses = np.broadcast_to(np.eye(4), (len(t), 4, 4)).copy()
    poses[:, :3, :3], poses[:, :3, 3] = matrices(facing(t)), place(t)
    if fields is None:
        return [view.camera(pose) for pose in poses]
    # Zooming multiplies the focal length, so its logarithm is interpolated.
    zoom = np.log(np.tan(np.array(fields)[:, None] / 2))
    angles = 2 * np.arctan(np.exp(cubic_spline(knots, zoom, flight.closed)(t)[:, 0]))
    return [view.camera(pose, float(angle), flight.vertical) for pose, angle in zip(poses, angles)]


def _knots(flight: Flight, positions: Array, turns: Array) -> Array:
    """The spline's parameters at the keys, and at the return to the first if the flight is closed."""
    times = [k.time for k in flight.keys]
    if all(t is not None for t in times):
        given = np.array(times, np.float64)
        if not flight.closed:
            return given
        back = flight.back or 0.0
        usual = given[-1] + (given[-1] - given[0]) / (len(given) - 1)
        return np.append(given, back if back > given[-1] else usual)
    if flight.closed:
        positions, turns = np.concatenate([positions, positions[:1]]), np.concatenate([turns, turns[:1]])
    # The root of the distance ("centripetal") prevents loops where keys are unevenly spaced.
    steps = np.sqrt(_steps(positions, turns, _spread(positions)))
    steps = np.maximum(steps, 1e-3 * steps.max() or 1.0)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _spread(positions: Array) -> float:
    return float(np.linalg.norm(positions - positions.mean(0), axis=1).mean()) or 1.0


def _steps(positions: Array, turns: Array, spread: float) -> Array:
    """Distances (n − 1,) from each pose to the next: translation and rotation, one radian counting as
    `spread`."""
    way = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    cosine = np.abs((turns[1:] * turns[:-1]).sum(1))
    return np.asarray(np.hypot(way, 2 * np.arccos(np.minimum(cosine, 1)) * spread))


def tour_flight(cameras: Sequence[Camera], closed: bool = False, calm: float = _TOUR_CALM) -> Flight:
    """A flight along the cameras of a capture, in an order that keeps it short, without camera shake.

    It has two keys per camera at even times; smoothing is applied at constant speed, so that the flight slows
    down where it turns back.
    """
    chosen = [cameras[i] for i in visiting_order(cameras)]
    through = Flight(tuple(Keyframe(c.camera_to_world) for c in chosen), closed)
    count = 2 * len(chosen)
    evenly = fly(through, shares(count, closed), Viewport(ImageSize(2, 2), 1.0))
    positions = np.array([c.position for c in evenly])
    turns = quaternions(np.array([c.camera_to_world[:3, :3] for c in evenly]))
    poses = np.broadcast_to(np.eye(4), (count, 4, 4)).copy()
    poses[:, :3, :3] = matrices(smoothed(turns, calm, closed))
    poses[:, :3, 3] = smoothed(positions, calm, closed)
    return Flight(tuple(Keyframe(pose, time=float(i)) for i, pose in enumerate(poses)), closed)


def tour(cameras: Sequence[Camera], frames: int, size: ImageSize | None = None) -> list[Camera]:
    """Cameras on a smooth, short path at even speed along the cameras of a capture, from end to end.

    They have no lens distortion, `size` (or the cameras' median size), and a field of view that shows no more
    than the cameras saw.
    """
    return fly(tour_flight(cameras), shares(frames, False), own_view(cameras, size))


def own_view(cameras: Sequence[Camera], size: ImageSize | None = None) -> Viewport:
    """The view that the cameras of a capture have, in an image of `size` (None: the cameras' median size)."""
    size, focal = common_view(cameras, size)
    return Viewport(size, 2 * math.atan(min(size) / 2 / focal))


def fitting_size(cameras: Sequence[Camera], long_side: int = _LONG_SIDE) -> ImageSize:
    """A size in the proportions of the capture's photographs: even sides, at most `long_side` pixels."""
    full = own_view(cameras).size
    factor = min(1.0, long_side / max(full))
    height, width = (max(16, round(side * factor / 2) * 2) for side in full)
    return ImageSize(height, width)


def tour_frames(cameras: Sequence[Camera], per_frame: float = math.radians(1.2)) -> int:
    """Number of frames of a calm tour, with about `per_frame` radians of rotation around the target each."""
    target, _ = looked_at(cameras)
    flight = tour_flight(cameras)
    positions = np.array([k.pose[:3, 3] for k in flight.keys])
    turns = quaternions(np.array([k.pose[:3, :3] for k in flight.keys]))
    distance = float(np.median(np.linalg.norm(positions - target, axis=1))) or 1.0
    return int(np.clip(_steps(positions, turns, distance).sum() / math.sqrt(2) / per_frame, 48, 480))


def swing(
    place: Surround, u: Array, turns: float, view: Viewport, elevation: float | None = None
) -> list[Camera]:
    """An orbit within the region of the cameras: all around, or back and forth if they left a gap."""
    turn = 2 * math.pi * turns * np.asarray(u)
    azimuth = turn if place.full else place.azimuth * np.sin(turn)
    raised, distance = place.follow(azimuth)
    raised = raised if elevation is None else np.full(len(azimuth), elevation)
    return _placed(place, azimuth, raised, distance, view)


def spiral(
    place: Surround, u: Array, turns: float, view: Viewport, elevation: float | None = None
) -> list[Camera]:
    """A spiral within the region of the cameras; closed for whole `turns`.

    If cameras are all around, it is a helix that starts at their middle height (`elevation`, radians, if
    given), rises to the highest, by at least 12 degrees, and comes down again. Otherwise it loops about the
    middle camera as in LLFF (Mildenhall et al. 2019), on the sphere around the target, moving slightly nearer
    and farther but never above or below the cameras.
    """
    u = np.asarray(u)
    turn, once = 2 * math.pi * turns * u, 2 * math.pi * u
    low, high = place.elevation
    middle, loop = (low + high) / 2, 0.35 * (high - low)
    if place.full:
        start = middle if elevation is None else elevation
        azimuth, raised = turn, risen(u, start, max(high, start + _RISE))
        distance = np.full(len(u), place.distance)
    else:
        azimuth = 0.7 * place.azimuth * np.cos(turn)
        raised, distance = place.follow(azimuth)
        about = np.clip(raised, low + loop, high - loop) if elevation is None else elevation
        raised = about + loop * np.sin(turn)
        distance = distance * (1 + min(0.06, 0.35 * place.azimuth) * np.sin(once))
    return _placed(place, azimuth, raised, distance, view)


def risen(u: Array, start: float, top: float) -> Array:
    """Elevations (n,) from `start` up to `top` and down again once, radians; at most 85 degrees."""
    return start + (max(start, min(top, _STEEPEST)) - start) / 2 * (1 - np.cos(2 * math.pi * np.asarray(u)))


def _placed(
    place: Surround, azimuth: Array, elevation: Array, distance: Array, view: Viewport
) -> list[Camera]:
    level = np.cos(elevation)
    local = np.stack([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)], axis=1)
    offsets = local @ place.orientation.axes().T * distance[:, None]
    up = place.orientation.up
    if place.outward:
        return [view.camera(look_at(place.target + o, place.target + 2 * o, up)) for o in offsets]
    return [view.camera(look_at(place.target + o, place.target, up)) for o in offsets]


@dataclass(frozen=True)
class Target:
    """Something to frame as a whole."""

    points: Array
    """(k, 3): points that a view must frame."""
    centre: Array
    """(3,): point that the camera rotates about."""
    orientation: Orientation


def framed(subject: Target, directions: Array, view: Viewport, ring: Array | None = None) -> list[Camera]:
    """Cameras along `directions` (n, 3) from the subject's centre that fill their images with it.

    All have the same distance, at which the subject is framed from all of `ring` (m, 3; None: `directions`).
    """
    points, up = subject.points - subject.centre, subject.orientation.up
    ring = directions if ring is None else ring
    distance = framing_distance(points, ring, up, view.field_of_view)
    cameras = views_from(directions, up, distance, view.size, view.field_of_view)
    return [moved(camera, subject.centre) for camera in filling(cameras, points)]


def moved(camera: Camera, offset: Array) -> Camera:
    """The camera translated by `offset` (3,)."""
    pose = camera.camera_to_world.copy()
    pose[:3, 3] += offset
    return Camera(pose, camera.focal, camera.centre, camera.size, camera.aspect, camera.lens)


def helix_directions(
    u: Array, turns: float, orientation: Orientation, elevation: tuple[float, float]
) -> Array:
    """Unit directions (n, 3) around the up axis, from the front, rising to the second elevation and back."""
    turn = 2 * math.pi * turns * np.asarray(u)
    raised = risen(u, *elevation)
    local = np.stack([np.cos(raised) * np.sin(turn), np.sin(raised), np.cos(raised) * np.cos(turn)], axis=1)
    return local @ orientation.axes().T
