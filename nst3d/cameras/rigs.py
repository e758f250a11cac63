"""Rigs: cameras that see a surface from all sides, at one distance so that strokes have one size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.tensors import Array, ImageSize

MARGIN = 1.06
"""Ratio of a framed view's width to its content's."""


@dataclass(frozen=True)
class Orientation:
    """Up and front directions; unit vectors (3,) in world axes."""

    up: Array
    front: Array

    def axes(self) -> Array:
        """(3, 3): columns are right, up and front, orthonormal."""
        up = np.asarray(self.up, float) / np.linalg.norm(self.up)
        front = np.asarray(self.front, float)
        front = front - up * (front @ up)
        if np.linalg.norm(front) < 1e-6:
            front = np.cross(up, [1.0, 0.0, 0.0] if abs(up[0]) < 0.9 else [0.0, 1.0, 0.0])
        front = front / np.linalg.norm(front)
        return np.stack([np.cross(up, front), up, front], axis=1)


def standing(up: Array) -> Orientation:
    """The orientation of a scene when only up is known: with z up its front is −y, with y up +z, with y down
    −z."""
    up = np.asarray(up, float)
    if abs(up[2]) > 0.7:
        return Orientation(up, np.array([0.0, -1.0, 0.0]))
    return Orientation(up, np.array([0.0, 0.0, 1.0 if up[1] >= 0 else -1.0]))


def fibonacci_directions(count: int, orientation: Orientation, height: float = 0.85) -> Array:
    """Unit directions (count, 3) spread evenly over the sphere's band |up| ≤ `height`."""
    index = np.arange(count)
    y = height * (1 - (2 * index + 1) / count)
    turn = index * math.pi * (3 - math.sqrt(5))
    radius = np.sqrt(1 - y * y)
    return np.stack([radius * np.sin(turn), y, radius * np.cos(turn)], axis=1) @ orientation.axes().T


def orbit_directions(count: int, orientation: Orientation, elevation: float) -> Array:
    """Unit directions (count, 3) around the up axis at `elevation` radians, starting at the front."""
    turn = np.arange(count) / count * 2 * math.pi
    flat = np.stack([np.sin(turn), np.zeros(count), np.cos(turn)], axis=1) * math.cos(elevation)
    flat[:, 1] = math.sin(elevation)
    return flat @ orientation.axes().T


def framing_distance(points: Array, directions: Array, up: Array, field_of_view: float) -> float:
    """The smallest distance from the origin at which all `directions` frame all `points` (n, 3).

    Cameras look at the origin with a square image that spans `field_of_view` radians; the result includes a
    margin of 6 %.
    """
    tangent = math.tan(field_of_view / 2) / MARGIN
    distance = 0.0
    for direction in directions:
        axes = look_at(direction, np.zeros(3), up)[:3, :3]
        local = points @ axes
        extent = np.abs(local[:, :2]).max(1)
        distance = max(distance, float((extent / tangent - local[:, 2]).max()))
    return distance


def views_from(
    directions: Array, up: Array, distance: float, size: ImageSize, field_of_view: float
) -> list[Camera]:
    """Cameras at `distance` along `directions` (k, 3), looking at the origin."""
    poses = [look_at(d * distance, np.zeros(3), up) for d in directions]
    return [perspective(pose, size, field_of_view) for pose in poses]


def tight(camera: Camera, points: Array, multiple: int = 32, margin: float = 0.04) -> Camera:
    """The camera with its image cropped or extended to the bounding rectangle of projected `points` (n, 3).

    Sides are rounded up to `multiple` pixels (encoders pool by two, several times); `margin` is a fraction of
    the camera's own image. The focal length does not change, so strokes keep their size.
    """
    low, high = _extent(camera, points)
    border = margin * max(camera.size)
    # A thousandth of a pixel less, so that rounding does not add a whole multiple to a view that just fits.
    sides = [math.ceil((high[k] - low[k] + 2 * border - 1e-3) / multiple) * multiple for k in (0, 1)]
    left, top = (round((low[k] + high[k] - sides[k]) / 2) for k in (0, 1))
    return camera.cropped(top, left, ImageSize(sides[1], sides[0]))


def zoom_to_fill(cameras: Sequence[Camera], points: Array, margin: float = 0.04) -> float:
    """The factor by which focal lengths can grow until the largest projection of `points` fills an image.

    Projections need not be centred and may then leave the images: for use before `tight`.
    """
    largest = max(float((high - low).max()) for low, high in (_extent(c, points) for c in cameras))
    return max(cameras[0].size) * (1 - 2 * margin) / largest


def filling(cameras: Sequence[Camera], points: Array, margin: float = 0.05) -> list[Camera]:
    """The cameras of a turntable, zoomed and shifted together so that the points (n, 3) fill their images.

    All share one zoom and one shift, so that only the rotation changes from frame to frame.
    """
    corners = np.array([_extent(c, points) for c in cameras])
    (width, height), (x, y) = cameras[0].size[::-1], cameras[0].centre
    reach = 2 * np.abs(corners[..., 0] - x).max()
    low, high = corners[:, 0, 1].min() - y, corners[:, 1, 1].max() - y
    zoom = (1 - 2 * margin) * min(width / max(reach, 1e-9), height / max(high - low, 1e-9))
    centre = (x, height / 2 - zoom * (low + high) / 2)
    return [replace(c, focal=c.focal * zoom, centre=centre) for c in cameras]


def close_ups(cameras: Sequence[Camera], points: Array, margin: float = 0.05) -> list[Camera]:
    """The cameras of stills, each zoomed and shifted so that the points (n, 3) in front of it fill its image.

    None is zoomed by more than 1.5 times the smallest zoom, so that a violin's end stays smaller than its
    side.
    """
    corners = [_extent(c, points) for c in cameras]
    sides = np.array([[c.size.width, c.size.height] for c in cameras])
    reach = np.array([high - low for low, high in corners])
    zooms = (1 - 2 * margin) * (sides / np.maximum(reach, 1e-9)).min(1)
    zooms = np.minimum(zooms, 1.5 * zooms.min())
    middles = [(low + high) / 2 - c.centre for c, (low, high) in zip(cameras, corners)]
    centres = sides / 2 - zooms[:, None] * middles
    return [
        replace(c, focal=float(c.focal * zoom), centre=(float(x), float(y)))
        for c, zoom, (x, y) in zip(cameras, zooms, centres)
    ]


def _extent(camera: Camera, points: Array) -> tuple[Array, Array]:
    """The corners (x, y) of the rectangle around the points' projections, pixels."""
    pixels, _ = camera.project(points)
    return pixels.min(0), pixels.max(0)


def greedy_cover(visible: Array, base: int, target: float, limit: int, worth: float = 0.0) -> list[int]:
    """Indices of the views to use: the first `base`, then greedily the one that adds the most points.

    `visible` is (points, views) bool. Stops when `target` (a fraction) of the points seen by any view are
    covered, at `limit` views, or where a view adds less than `worth` times what the first added one does.
    """
    chosen = list(range(min(base, visible.shape[1])))
    reachable = visible.any(1)
    seen = np.asarray(visible[:, chosen].any(1))
    least = 1.0
    while len(chosen) < limit and seen.sum() < target * reachable.sum():
        gain = (visible & ~seen[:, None]).sum(0)
        best = int(gain.argmax())
        if gain[best] < least:
            break
        least = max(least, worth * gain[best])
        chosen.append(best)
        seen |= visible[:, best]
    return chosen
