"""Lens distortion of normalised image coordinates, and its exact inverse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nst3d.tensors import Array

MAX_ANGLE = np.deg2rad(88.0)
"""Largest angle from the viewing axis, radians; farther out there is hardly a ray with camera z = 1."""
_STEPS, _SPOKES = 512, 24
_FOLDED = 1e-6
"""Determinant of the derivative below which a lens is assumed to fold the image onto itself."""
_TORN = 12.0
"""Sum of the derivatives above which a lens is assumed to be close to a pole."""
_ROUNDS = 40
_PRECISION = 1e-13


class Lens(ABC):
    """A distortion of normalised coordinates (X / Z, Y / Z), those of an ideal pinhole.

    A distortion polynomial holds only up to some radius, `limit`: beyond it, it folds the image back (or, for
    a fisheye, leaves the half space in front). From there the lens is continued proportionally, so that both
    maps are continuous, one-to-one and finite everywhere, and points far outside never land in the image.
    `Camera.valid` is the mask of pixels within the limit.
    """

    def distort(self, points: Array) -> Array:
        """Distorted positions of ideal pinhole points (…, 2)."""
        points = np.asarray(points, np.float64)
        shrink = self._shrink(points)
        return self._bend(points * shrink) / shrink

    def undistort(self, points: Array) -> Array:
        """The inverse of `distort`, to within 1e-9 · min(1, the point's distance from the axis)."""
        wanted = np.asarray(points, np.float64).reshape(-1, 2)
        bent, straight = self._table
        radius = np.linalg.norm(wanted, axis=-1, keepdims=True)
        guess = np.interp(radius, bent, straight)
        guess = np.where(radius > bent[-1], radius * (straight[-1] / bent[-1]), guess)
        found = wanted * (guess / np.maximum(radius, 1e-300))
        left = np.arange(len(found))
        caution = np.ones((len(found), 1))
        error = wanted - self.distort(found)
        for _ in range(_ROUNDS):
            step = self._newton_step(found[left], error[left])
            small = _length(step) <= _PRECISION * np.maximum(_length(found[left]), 1)
            trial = found[left] + step * caution[left]
            missed = wanted[left] - self.distort(trial)
            better = (_length(missed) < _length(error[left]))[:, None]
            found[left] = np.where(better, trial, found[left])
            error[left] = np.where(better, missed, error[left])
            caution[left] = np.where(better, np.minimum(caution[left] * 2, 1), caution[left] / 2)
            left = left[~small]
            if not len(left):
                break
        return found.reshape(np.shape(points))

    @cached_property
    def limit(self) -> float:
        """The largest distance from the axis (a tangent of an angle) at which the formula itself is used."""
        radii, turn = _radii(), np.arange(_SPOKES) * (2 * np.pi / _SPOKES)
        spokes = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        points = radii[:, None, None] * spokes
        with np.errstate(all="ignore"):
            slopes, value = self._slopes(points), self._bend(points) / radii[:, None, None]
            around = np.einsum("rsij,sj->rsi", slopes, spokes[:, ::-1] * [-1, 1])
            trace = slopes[..., 0, 0] + slopes[..., 1, 1]
            fine = (_cross(slopes[..., 0], slopes[..., 1]) > _FOLDED) & (trace > 0) & (trace < _TORN)
            good = np.all(fine & (_cross(value, around) > _FOLDED), axis=1)  # so that it can be continued
        return float(radii[-1] if good.all() else radii[max(int(good.argmin()) - 1, 1)])

    @abstractmethod
    def _bend(self, points: Array) -> Array:
        """The formula, for points (…, 2) within the limit."""

    @abstractmethod
    def _slopes(self, points: Array) -> Array:
        """Its derivatives (…, 2, 2): row = output."""

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """Increasing radii in the image and the corresponding undistorted radii, along one direction."""
        straight = np.concatenate([[0.0], _radii(), [self.limit]])
        straight = straight[straight <= self.limit]
        bent = np.linalg.norm(self._bend(np.stack([straight, np.zeros_like(straight)], axis=-1)), axis=-1)
        return np.maximum.accumulate(bent), straight

    def _shrink(self, points: Array) -> Array:
        radius = np.linalg.norm(points, axis=-1, keepdims=True)
        return self.limit / np.maximum(radius, self.limit)

    def _newton_step(self, found: Array, error: Array) -> Array:
        """The change (n, 2) of points that would cancel the error in their images if the lens were linear."""
        inside = found * self._shrink(found)
        slopes = self._slopes(inside)
        beyond = _length(found) > self.limit
        if beyond.any():
            # Here the map is homogeneous of degree 1: along the radius its derivative is the value itself.
            out = inside[beyond] / self.limit
            value = self._bend(inside[beyond]) / self.limit
            along = np.einsum("nij,nj->ni", slopes[beyond], out)
            slopes[beyond] += (value - along)[:, :, None] * out[:, None, :]
        step = np.linalg.solve(slopes, error[..., None])[..., 0]
        length = np.linalg.norm(step, axis=-1, keepdims=True)
        allowed = 0.5 * np.linalg.norm(found, axis=-1, keepdims=True) + 0.1
        return step * np.minimum(1, allowed / np.maximum(length, 1e-300))


@dataclass(frozen=True)
class BrownConrady(Lens):
    """OpenCV's model: (1 + k1 r² + k2 r⁴ + k3 r⁶) / (1 + k4 r² + k5 r⁴ + k6 r⁶), and tangential p1, p2.

    x′ = x·radial + 2 p1 x y + p2 (r² + 2 x²), y′ = y·radial + p1 (r² + 2 y²) + 2 p2 x y (Brown 1966).
    """

    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0
    k5: float = 0.0
    k6: float = 0.0

    def _bend(self, points: Array) -> Array:
        x, y = points[..., 0], points[..., 1]
        square = x * x + y * y
        radial, _ = self._radial(square)
        return np.stack(
            [
                x * radial + 2 * self.p1 * x * y + self.p2 * (square + 2 * x * x),
                y * radial + self.p1 * (square + 2 * y * y) + 2 * self.p2 * x * y,
            ],
            axis=-1,
        )

    def _slopes(self, points: Array) -> Array:
        x, y = points[..., 0], points[..., 1]
        radial, slope = self._radial(x * x + y * y)
        across = 2 * x * y * slope + 2 * self.p1 * x + 2 * self.p2 * y
        rows = [
            radial + 2 * x * x * slope + 2 * self.p1 * y + 6 * self.p2 * x,
            across,
            across,
            radial + 2 * y * y * slope + 6 * self.p1 * y + 2 * self.p2 * x,
        ]
        return np.stack(rows, axis=-1).reshape(*points.shape[:-1], 2, 2)

    def _radial(self, square: Array) -> tuple[Array, Array]:
        """The factor at squared radii, and its derivative with respect to the squared radius."""
        above = 1 + square * (self.k1 + square * (self.k2 + square * self.k3))
        below = 1 + square * (self.k4 + square * (self.k5 + square * self.k6))
        rise = self.k1 + square * (2 * self.k2 + square * 3 * self.k3)
        fall = self.k4 + square * (2 * self.k5 + square * 3 * self.k6)
        return above / below, (rise * below - above * fall) / (below * below)


@dataclass(frozen=True)
class Fisheye(Lens):
    """OpenCV's equidistant model: an angle θ from the axis maps to radius θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4
    θ⁸).

    Source: Kannala and Brandt 2006. Beyond 88° (see `Lens`) rays are squeezed between 88° and 90° and are not
    correct; mask those pixels out with `Camera.valid`.
    """

    k1: float = 0.0
    k2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0

    def _bend(self, points: Array) -> Array:
        radius = np.linalg.norm(points, axis=-1, keepdims=True)
        return points * self._ratio(radius)

    def _slopes(self, points: Array) -> Array:
        radius = np.linalg.norm(points, axis=-1, keepdims=True)[..., None]
        out = points / np.maximum(radius[..., 0], 1e-300)
        ratio = self._ratio(radius)
        angle = np.arctan(radius)
        square = angle * angle
        grows = 1 + square * (
            3 * self.k1 + square * (5 * self.k2 + square * (7 * self.k3 + square * 9 * self.k4))
        )
        along = grows / (1 + radius * radius)
        return ratio * np.eye(2) + (along - ratio) * out[..., :, None] * out[..., None, :]

    def _ratio(self, radius: Array) -> Array:
        """Ratio of distorted to undistorted radius."""
        angle = np.arctan(radius)
        square = angle * angle
        bent = angle * (1 + square * (self.k1 + square * (self.k2 + square * (self.k3 + square * self.k4))))
        return np.where(radius < 1e-8, 1.0, bent / np.maximum(radius, 1e-8))


def _length(vectors: Array) -> Array:
    return np.asarray(np.linalg.norm(vectors, axis=-1))


def _cross(a: Array, b: Array) -> Array:
    """The determinants of columns a and b (…, 2)."""
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def _radii() -> Array:
    """Radii up to the largest of any lens, denser near the axis."""
    return np.tan(MAX_ANGLE * (np.arange(_STEPS) + 1) / _STEPS)
