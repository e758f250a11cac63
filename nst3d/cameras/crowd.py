"""Properties of a capture's cameras as a group: target, arrangement and a short visiting order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst3d.cameras.bounds import meeting_point
from nst3d.cameras.pinhole import Camera, look_at
from nst3d.cameras.rigs import Orientation
from nst3d.tensors import Array, ImageSize

_PARALLEL = 0.01
"""Spread of the viewing axes (1 − largest eigenvalue of their mean square) below which they are parallel."""
_GAP = math.radians(100)
"""Widest gap in azimuth, radians, at which cameras still count as all around."""
_MOST = 300
"""Most cameras to order; of more, every second, third … is used."""


@dataclass(frozen=True)
class Surround:
    """The arrangement of cameras around a point: angles as seen from it, radians, and distances."""

    target: Array
    """Point the cameras look at, (3,); with `outward`, the point they face away from."""
    orientation: Orientation
    """Up, and the direction from the point to the middle of the cameras, which is azimuth 0."""
    azimuth: float
    """Half the range of azimuths; π: all around."""
    elevation: tuple[float, float]
    """Lowest and highest elevation above the horizon."""
    distance: float
    """Median distance."""
    outward: bool = False
    """Whether cameras look away from the point, as in a room."""
    course: Array | None = None
    """Coefficients (5, 2) of elevation and distance over azimuth a, in 1, cos a, sin a, cos 2a, sin 2a."""

    @property
    def full(self) -> bool:
        """Whether the cameras surround the point."""
        return self.azimuth >= math.pi

    def follow(self, azimuth: Array) -> tuple[Array, Array]:
        """Elevations and distances (n,) of the cameras at azimuths (n,)."""
        if self.course is None:
            middle = np.full(len(azimuth), sum(self.elevation) / 2)
            return middle, np.full(len(azimuth), self.distance)
        elevation, distance = (_waves(azimuth) @ self.course).T
        return np.clip(elevation, *self.elevation), distance


def meet(cameras: Sequence[Camera]) -> bool:
    """Whether the viewing axes spread enough to determine where they come closest to each other."""
    axes = np.array([c.forward for c in cameras])
    return bool(1 - np.linalg.eigvalsh(axes.T @ axes / len(axes))[-1] >= _PARALLEL)


def mean_camera(cameras: Sequence[Camera], side: int) -> Camera:
    """A camera at the median position with the mean viewing direction, `side` pixels wide and high."""
    middle = np.median([c.position for c in cameras], axis=0)
    up = -np.mean([c.camera_to_world[:3, 1] for c in cameras], axis=0)
    pose = look_at(middle, middle + _common(np.array([c.forward for c in cameras])), up)
    size, focal = common_view(cameras, ImageSize(side, side))
    return Camera(pose, focal, (side / 2, side / 2), size)


def _common(axes: Array) -> Array:
    """The mean of directions (n, 3), normalised; the first of them if they cancel."""
    mean = axes.mean(0)
    length = np.linalg.norm(mean)
    return mean / length if length > 1e-3 else axes[0]


def looked_at(cameras: Sequence[Camera], depth: float | None = None) -> tuple[Array, bool]:
    """The point nearest to the cameras' viewing axes, (3,), and whether they look away from it.

    Nearly parallel axes do not meet: the point is then `depth` in front of the mean camera, or four times the
    cameras' spread if `depth` is None.
    """
    positions = np.array([c.position for c in cameras])
    axes = np.array([c.forward for c in cameras])
    middle = np.median(positions, axis=0)
    if not meet(cameras):
        forward = _common(axes)
        reach = 4 * float(np.linalg.norm(positions - middle, axis=1).mean()) or 1.0
        return middle + forward * (depth or reach), False
    point = meeting_point(positions, axes)
    ahead = ((point - positions) * axes).sum(1)
    return point, bool(np.median(ahead) < 0)


def surround(cameras: Sequence[Camera], up: Array, depth: float | None = None) -> Surround:
    """The arrangement of cameras around their target; `depth`: the scene's, if all cameras face one way."""
    target, outward = looked_at(cameras, depth)
    offsets = np.array([c.position for c in cameras]) - target
    if outward and np.linalg.norm(offsets, axis=1).max() > 0:
        offsets = np.array([c.forward for c in cameras]) * np.linalg.norm(offsets, axis=1).mean()
    axes = Orientation(up, offsets.mean(0)).axes()
    local = offsets @ axes
    azimuth = np.arctan2(local[:, 0], local[:, 2])
    azimuth, turned, full = _range(azimuth)
    sine, cosine = math.sin(turned), math.cos(turned)
    orientation = Orientation(axes[:, 1], axes[:, 2] * cosine + axes[:, 0] * sine)
    distance = np.linalg.norm(local, axis=1)
    elevation = np.arcsin(np.clip(local[:, 1] / np.maximum(distance, 1e-12), -1, 1))
    low, high = np.quantile(elevation, [0.1, 0.9])
    return Surround(
        target,
        orientation,
        math.pi if full else 0.9 * float(np.abs(azimuth).max()),
        (float(max(low, -1.5)), float(min(high, 1.5))),
        float(np.median(distance)),
        outward,
        _course(azimuth, elevation, distance),
    )


def _range(azimuth: Array) -> tuple[Array, float, bool]:
    """Azimuths relative to the middle of their range, that middle, and whether they go all around."""
    order = np.sort(azimuth)
    gaps = np.diff(np.concatenate([order, order[:1] + 2 * math.pi]))
    widest = int(gaps.argmax())
    if gaps[widest] < _GAP:
        return azimuth, 0.0, True
    middle = float(order[widest] + gaps[widest] / 2 + math.pi)
    return np.mod(azimuth - middle + math.pi, 2 * math.pi) - math.pi, middle, False


def _waves(azimuth: Array) -> Array:
    ones = np.ones_like(azimuth)
    return np.stack(
        [ones, np.cos(azimuth), np.sin(azimuth), np.cos(2 * azimuth), np.sin(2 * azimuth)], axis=1
    )


def _course(azimuth: Array, elevation: Array, distance: Array) -> Array:
    """A smooth fit: a penalty on the waves suppresses what the cameras do not show clearly."""
    waves = _waves(azimuth)
    calm = np.diag([0.0, 1, 1, 4, 4]) * 0.02 * len(azimuth)
    values = np.stack([elevation, distance], axis=1)
    middle = np.median(values, axis=0)
    fit = np.linalg.solve(waves.T @ waves + calm + np.eye(5) * 1e-9, waves.T @ (values - middle))
    fit[0] += middle
    return np.asarray(fit)


def common_view(cameras: Sequence[Camera], size: ImageSize | None) -> tuple[ImageSize, float]:
    """The image size (given, or the cameras' median) and a focal length in its pixels.

    With this focal length an image shows no more than the cameras saw along either side.
    """
    across = np.median([c.size.width / c.focal for c in cameras])
    down = np.median([c.size.height / (c.focal * c.aspect) for c in cameras])
    if size is None:
        height, width = np.median([c.size for c in cameras], axis=0)
        size = ImageSize(round(height), round(width))
    return size, float(max(size.width / across, size.height / down))


def visiting_order(cameras: Sequence[Camera]) -> list[int]:
    """Indices of the cameras in the order of a short path through all of them.

    The given order, such as that of a video, is kept unless a search (nearest neighbours, then 2-opt: Croes,
    1958) finds one shorter by a fifth. Of more than 300 cameras some are left out.
    """
    taken = np.arange(0, len(cameras), math.ceil(len(cameras) / _MOST))
    apart = distances([cameras[int(i)] for i in taken])
    given = np.arange(len(taken))
    found = _exchanged(apart, _nearest(apart))
    better = _length(apart, found) < 0.8 * _length(apart, given)
    order = found if better else given
    if better and order[0] > order[-1]:
        order = order[::-1]
    return [int(i) for i in taken[order]]


def spread_out(cameras: Sequence[Camera], most: int) -> list[int]:
    """The indices of the cameras to use, in order: all, or those farthest apart."""
    if len(cameras) <= most:
        return list(range(len(cameras)))
    apart = distances(cameras)
    chosen = [int(apart.sum(1).argmin())]
    nearest = apart[chosen[0]]
    while len(chosen) < most:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, apart[chosen[-1]])
    return sorted(chosen)


def distances(cameras: Sequence[Camera]) -> Array:
    """Distances (n, n) between cameras: norm of position, in units of their spread, and angle, radians."""
    positions = np.array([c.position for c in cameras])
    axes = np.array([c.forward for c in cameras])
    spread = np.linalg.norm(positions - positions.mean(0), axis=1).mean() or 1.0
    step = np.linalg.norm(positions[:, None] - positions[None], axis=-1) / spread
    turn = np.arccos(np.clip(axes @ axes.T, -1, 1))
    return np.asarray(np.hypot(step, turn))


def _length(apart: Array, order: Array) -> float:
    return float(apart[order[:-1], order[1:]].sum())


def _nearest(apart: Array) -> Array:
    """A greedy order: from the camera farthest from all others, always to the nearest one left."""
    left = np.ones(len(apart), bool)
    here = int(apart.sum(1).argmax())
    order = [here]
    left[here] = False
    while left.any():
        here = int(np.where(left, apart[here], np.inf).argmin())
        order.append(here)
        left[here] = False
    return np.array(order)


def _exchanged(apart: Array, order: Array) -> Array:
    """The open path after reversing stretches for as long as that shortens it (2-opt)."""
    count = len(order)
    improved = True
    while improved:
        improved = False
        for i in range(count - 1):
            # Reversing order[i..j] changes the edges before i and after j.
            a, ends = order[i], order[i + 1 :]
            before = apart[order[i - 1]] if i > 0 else np.zeros(count)
            follow = order[i + 2 :]
            old = before[a] + np.append(apart[order[i + 1 : -1], follow], 0.0)
            new = before[ends] + np.append(apart[a, follow], 0.0)
            best = int((new - old).argmin())
            if new[best] < old[best] - 1e-9:
                j = i + 1 + best
                order[i : j + 1] = order[i : j + 1][::-1].copy()
                improved = True
    return order
