"""What the cameras of a capture have in common: what they look at, from where, and in which order to visit them."""

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
"""Spread of the viewing axes (1 − largest eigenvalue of their mean square) below which they do not meet."""
_GAP = math.radians(100)
"""The widest gap between neighbours that still counts as cameras all around."""
_MOST = 300
"""Cameras whose order is searched for; of more, every second, third … is taken."""


@dataclass(frozen=True)
class Surround:
    """Where cameras stand around a point: angles as seen from it, radians, and distances."""

    target: Array
    """What they look at, (3,); what they turn their backs on where `outward`."""
    orientation: Orientation
    """Up, and the direction from the point to the middle of the cameras; azimuth 0 lies there."""
    azimuth: float
    """Half the range to the left and right; π: all around."""
    elevation: tuple[float, float]
    """The range above the horizon."""
    distance: float
    """The median."""
    outward: bool = False
    """Cameras look away from the point, as in a room."""
    course: Array | None = None
    """(5, 2): elevation and distance as a function of azimuth a, by 1, cos a, sin a, cos 2a, sin 2a."""

    @property
    def full(self) -> bool:
        """Whether the cameras stand all around."""
        return self.azimuth >= math.pi

    def follow(self, azimuth: Array) -> tuple[Array, Array]:
        """Elevations and distances (n,) at which cameras stood at azimuths (n,)."""
        if self.course is None:
            middle = np.full(len(azimuth), sum(self.elevation) / 2)
            return middle, np.full(len(azimuth), self.distance)
        elevation, distance = (_waves(azimuth) @ self.course).T
        return np.clip(elevation, *self.elevation), distance


def meet(cameras: Sequence[Camera]) -> bool:
    """Whether the viewing axes are spread enough to say where they come closest to each other."""
    axes = np.array([c.forward for c in cameras])
    return bool(1 - np.linalg.eigvalsh(axes.T @ axes / len(axes))[-1] >= _PARALLEL)


def mean_camera(cameras: Sequence[Camera], side: int) -> Camera:
    """A camera amid the others that looks where they look on the average, `side` pixels wide and high."""
    middle = np.median([c.position for c in cameras], axis=0)
    up = -np.mean([c.camera_to_world[:3, 1] for c in cameras], axis=0)
    pose = look_at(middle, middle + _common(np.array([c.forward for c in cameras])), up)
    size, focal = common_view(cameras, ImageSize(side, side))
    return Camera(pose, focal, (side / 2, side / 2), size)


def _common(axes: Array) -> Array:
    """The unit vector between directions (n, 3); the first of them if they cancel."""
    mean = axes.mean(0)
    length = np.linalg.norm(mean)
    return mean / length if length > 1e-3 else axes[0]


def looked_at(cameras: Sequence[Camera], depth: float | None = None) -> tuple[Array, bool]:
    """The point nearest to the cameras' viewing axes, (3,), and whether they look away from it.

    Where the axes are all but
    parallel they meet nowhere: then `depth` in front of the mean camera, or as far as four times the
    cameras' spread.
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
    """How cameras stand around what they look at. `depth`: of the scene, for cameras that all look one way."""
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
    """Azimuths about the middle of their range, where that middle is, and whether they go all around."""
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
    """A calm fit: what does not show clearly in the cameras is left out by a penalty on the waves."""
    waves = _waves(azimuth)
    calm = np.diag([0.0, 1, 1, 4, 4]) * 0.02 * len(azimuth)
    values = np.stack([elevation, distance], axis=1)
    middle = np.median(values, axis=0)
    fit = np.linalg.solve(waves.T @ waves + calm + np.eye(5) * 1e-9, waves.T @ (values - middle))
    fit[0] += middle
    return np.asarray(fit)


def common_view(cameras: Sequence[Camera], size: ImageSize | None) -> tuple[ImageSize, float]:
    """The image size (given, or the cameras' median) and the focal length in its pixels.

    The focal length is such that an image shows no more than the cameras saw along either side.
    """
    across = np.median([c.size.width / c.focal for c in cameras])
    down = np.median([c.size.height / (c.focal * c.aspect) for c in cameras])
    if size is None:
        height, width = np.median([c.size for c in cameras], axis=0)
        size = ImageSize(round(height), round(width))
    return size, float(max(size.width / across, size.height / down))


def visiting_order(cameras: Sequence[Camera]) -> list[int]:
    """Indices of the cameras in the order of a short way through them all.

    The given order, as of a video, is kept unless a search (nearest neighbours, then exchanges of two
    edges until none helps: Croes, 1958) finds one shorter by a quarter. Of more than 300 cameras some are
    left out.
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


def distances(cameras: Sequence[Camera]) -> Array:
    """How far cameras are apart (n, n): in space, in units of their spread, and in radians of direction."""
    positions = np.array([c.position for c in cameras])
    axes = np.array([c.forward for c in cameras])
    spread = np.linalg.norm(positions - positions.mean(0), axis=1).mean() or 1.0
    step = np.linalg.norm(positions[:, None] - positions[None], axis=-1) / spread
    turn = np.arccos(np.clip(axes @ axes.T, -1, 1))
    return np.asarray(np.hypot(step, turn))


def _length(apart: Array, order: Array) -> float:
    return float(apart[order[:-1], order[1:]].sum())


def _nearest(apart: Array) -> Array:
    """From the camera farthest from all the rest, always to the nearest that is left."""
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
    """The open way with stretches turned round as long as that shortens it."""
    count = len(order)
    improved = True
    while improved:
        improved = False
        for i in range(count - 1):
            # Turning order[i..j] round changes the edges before i and after j.
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
