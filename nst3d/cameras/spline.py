"""Smooth curves through points and rotations, and speed along them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from nst3d.tensors import Array

Curve = Callable[[Array], Array]
"""Maps parameters (m,) to values (m, k)."""
_STEP = 64
"""Subdivisions between two knots for measuring arc length."""
_RUN_ON = 48


def cubic_spline(knots: Array, values: Array, closed: bool = False) -> Curve:
    """The cubic (C²) spline through `values` (n, k) at increasing `knots` (n,).

    Open ends are natural (no curvature), and values are constant beyond the first and the last knot. A closed
    spline has one knot more than values, at which it returns to the first value, and is periodic. Source: de
    Boor, "A Practical Guide to Splines", chapter IV.
    """
    values = np.asarray(values, np.float64)
    if closed:
        index, around = _around(knots)
        return _repeating(_open_spline(around, values[index]), knots)
    return _open_spline(knots, values)


def _open_spline(knots: Array, values: Array) -> Curve:
    count = len(values)
    if count == 1:
        return lambda t: np.broadcast_to(values[0], (len(t), values.shape[1])).copy()
    steps = np.diff(knots)
    bends = np.zeros_like(values)
    if count > 2:
        slopes = np.diff(values, axis=0) / steps[:, None]
        bends[1:-1] = _tridiagonal(steps, 6 * np.diff(slopes, axis=0))

    def evaluate(t: Array) -> Array:
        t = np.clip(t, knots[0], knots[-1])
        i = np.clip(np.searchsorted(knots, t, side="right") - 1, 0, count - 2)
        h = steps[i][:, None]
        b = (t - knots[i])[:, None] / h
        a = 1 - b
        curved = (a**3 - a) * bends[i] + (b**3 - b) * bends[i + 1]
        return np.asarray(a * values[i] + b * values[i + 1] + curved * h**2 / 6)

    return evaluate


def _around(knots: Array) -> tuple[Array, Array]:
    """Indices of values and their knots when a period (n values, n + 1 knots) is extended at both ends.

    The influence of a natural spline's ends falls by half or more per knot, so that after `_RUN_ON` knots the
    middle period equals the closed spline to the last digit.
    """
    count, period = len(knots) - 1, knots[-1] - knots[0]
    place = np.arange(-_RUN_ON, count + 1 + _RUN_ON)
    return place % count, knots[place % count] + place // count * period


def _repeating(curve: Curve, knots: Array) -> Curve:
    return lambda t: curve(knots[0] + np.mod(t - knots[0], knots[-1] - knots[0]))


def _tridiagonal(steps: Array, right: Array) -> Array:
    """The natural spline's inner second derivatives, by elimination and substitution."""
    size = len(right)
    diagonal, right = 2 * (steps[:-1] + steps[1:]), right.copy()
    for k in range(1, size):
        share = steps[k] / diagonal[k - 1]
        diagonal[k] -= share * steps[k]
        right[k] -= share * right[k - 1]
    right[-1] /= diagonal[-1]
    for k in range(size - 2, -1, -1):
        right[k] = (right[k] - steps[k + 1] * right[k + 1]) / diagonal[k]
    return right


def quaternions(rotations: Array) -> Array:
    """Unit quaternions w, x, y, z (n, 4) of rotation matrices (n, 3, 3), with continuous signs.

    Follows Bar-Itzhack, "New method for extracting the quaternion from a rotation matrix" (2000): the
    eigenvector of the largest eigenvalue, so that slightly inexact matrices give the nearest rotation.
    """
    m = np.asarray(rotations, np.float64)
    k = np.empty((len(m), 4, 4))
    k[:, 1:, 1:] = m + m.transpose(0, 2, 1)
    trace = np.trace(m, axis1=1, axis2=2)
    k[:, 1:, 1:] -= trace[:, None, None] * np.eye(3)
    k[:, 0, 0] = trace
    skew = np.stack([m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]], axis=1)
    k[:, 0, 1:] = k[:, 1:, 0] = skew
    return on_one_side(np.linalg.eigh(k)[1][:, :, -1])


def on_one_side(q: Array) -> Array:
    """Quaternions (n, 4) with signs such that each is within half a turn of the previous one."""
    signs = np.where((q[1:] * q[:-1]).sum(1) < 0, -1.0, 1.0)
    return q * np.concatenate([[1.0], np.cumprod(signs)])[:, None]


def matrices(q: Array) -> Array:
    """Rotation matrices (n, 3, 3) of quaternions (n, 4) of any non-zero length."""
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def rotation_spline(knots: Array, q: Array, closed: bool = False) -> Curve:
    """A smooth curve through unit quaternions (n, 4) at `knots`, taking the short way from each to the next.

    The spline is fitted to the quaternions as points in space and normalised. It is as smooth as the spline
    itself, unlike a chain of slerps, which has corners at its keys, and independent of the choice of axes.
    Long turns get intermediate points on their arcs, so that their speed stays even.
    """
    q, around = np.asarray(q, np.float64), knots
    if closed:
        index, around = _around(knots)
        q = q[index]
    curve = _open_spline(*_with_middles(around, on_one_side(q)))
    curve = _repeating(curve, knots) if closed else curve

    def evaluate(t: Array) -> Array:
        values = curve(t)
        return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True))

    return evaluate


def _with_middles(knots: Array, q: Array, largest: float = math.pi / 8) -> tuple[Array, Array]:
    """Knots and quaternions with points added along arcs of more than `largest` (half the rotation angle)."""
    all_knots, all_q = [knots[:1]], [q[:1]]
    for a, b, start, end in zip(q[:-1], q[1:], knots[:-1], knots[1:]):
        angle = math.acos(min(1.0, abs(float(a @ b))))
        pieces = max(1, math.ceil(angle / largest))
        u = np.arange(1, pieces + 1) / pieces
        if pieces > 1:
            arc = (np.sin((1 - u) * angle)[:, None] * a + np.sin(u * angle)[:, None] * b) / math.sin(angle)
        else:
            arc = b[None]
        all_knots.append(start + u * (end - start))
        all_q.append(arc)
    return np.concatenate(all_knots), np.concatenate(all_q)


def smoothed(values: Array, strength: float, closed: bool = False) -> Array:
    """Values (n, k) that minimise squared distance + `strength` × squared second differences.

    Source: Whittaker, "On a new method of graduation" (1923). The mean and (open) any straight line are
    unchanged; waves of 2π · strength^¼ values are halved, and shorter ones almost vanish. `closed` wraps from
    the last to the first; quaternions that return with the opposite sign wrap with that sign.
    """
    count = len(values)
    if count < 3:
        return values.copy()
    bends = np.diff(np.eye(count), n=2, axis=0)
    if closed:
        sign = -1.0 if values.shape[1] == 4 and values[-1] @ values[0] < 0 else 1.0
        first, last = np.zeros(count), np.zeros(count)
        last[[-2, -1, 0]] = 1, -2, sign
        first[[-1, 0, 1]] = sign, -2, 1
        bends = np.concatenate([bends, last[None], first[None]])
    return np.linalg.solve(np.eye(count) + strength * bends.T @ bends, values)


def even_speed(knots: Array, length: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The map from fractions of a curve's length in [0, 1] to its parameter.

    `length` returns the lengths (m − 1,) between the curve's points at m parameters.
    """
    fine = np.unique(np.concatenate([np.linspace(a, b, _STEP + 1) for a, b in itertools.pairwise(knots)]))
    total = np.concatenate([[0.0], np.cumsum(length(fine))])
    if total[-1] <= 0:
        return lambda u: knots[0] + u * (knots[-1] - knots[0])
    # Where the curve stands still, lengths repeat, and the parameter must still be a function of them.
    total = total / total[-1] + np.arange(len(total)) * 1e-12
    return lambda u: np.interp(u, total / total[-1], fine)


def eased(u: Array, ramp: float) -> Array:
    """Maps fractions of time u in [0, 1] to fractions of the path, at rest at both ends.

    Speed rises as sin² over the first `ramp` (0 to 0.5) of the time, and falls likewise over the last.
    """
    if ramp <= 0:
        return np.asarray(u, np.float64)
    rise = np.minimum(u, ramp)
    rising = rise / 2 - ramp / (2 * math.pi) * np.sin(math.pi * rise / ramp)
    fall = np.minimum(1 - u, ramp)
    falling = fall / 2 - ramp / (2 * math.pi) * np.sin(math.pi * fall / ramp)
    way = rising + np.clip(u - ramp, 0, 1 - 2 * ramp) + ramp / 2 - falling
    return np.asarray(np.clip(way / (1 - ramp), 0, 1))
