"""Ear clipping of one polygon, compiled: its time grows with the square of the corners, whatever the outline."""

from __future__ import annotations

import numpy as np

from nst3d.kernels import kernel
from nst3d.tensors import Array

_AGAIN = 4
"""Corners that look no ear are looked at again once one in this many is gone: others may have blocked them."""


def ears(flat: Array) -> Array:
    """Triangles (n - 2, 3) of a counter-clockwise outline (n, 2), by repeatedly clipping an empty convex corner.

    The first such corner each time (Meisters, 1975). Where there is none, as in a self-crossing outline, the corner
    with the largest turn is clipped.
    """
    return np.asarray(_clipped(np.ascontiguousarray(flat, np.float64), _AGAIN))


@kernel()
def _clipped(flat, again):  # type: ignore[no-untyped-def]
    count = len(flat)
    before, after = np.arange(count) - 1, np.arange(count) + 1
    before[0], after[count - 1] = count - 1, 0
    triangles = np.empty((count - 2, 3), np.int64)
    ear = np.empty(count, np.bool_)
    for k in range(count):
        ear[k] = _is_ear(flat, before, after, k)
    head, left, looked = 0, count, count
    for row in range(count - 3):
        k = _first(ear, after, head, left)
        if k < 0 and (looked - left) * again >= looked:
            looked = left
            at = head
            for _ in range(left):
                ear[at] = _is_ear(flat, before, after, at)
                at = after[at]
            k = _first(ear, after, head, left)
        if k < 0:
            k = _sharpest(flat, before, after, head, left)
        a, c = before[k], after[k]
        triangles[row] = a, k, c
        after[a], before[c] = c, a
        head = c if k == head else head
        left -= 1
        ear[a], ear[c] = _is_ear(flat, before, after, a), _is_ear(flat, before, after, c)
    triangles[count - 3] = head, after[head], after[after[head]]
    return triangles


@kernel()
def _first(ear, after, head, left):  # type: ignore[no-untyped-def]
    """The first corner that is an ear, or −1."""
    k = head
    for _ in range(left):
        if ear[k]:
            return k
        k = after[k]
    return -1


@kernel()
def _sharpest(flat, before, after, head, left):  # type: ignore[no-untyped-def]
    """The corner with the largest turn."""
    k, best, most = head, head, -np.inf
    for _ in range(left):
        turn = _turn(flat[before[k]], flat[k], flat[after[k]])
        if turn > most:
            best, most = k, turn
        k = after[k]
    return best


@kernel()
def _turn(a, b, c):  # type: ignore[no-untyped-def]
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


@kernel()
def _is_ear(flat, before, after, k):  # type: ignore[no-untyped-def]
    a, b, c = flat[before[k]], flat[k], flat[after[k]]
    if not _turn(a, b, c) > 0:
        return False
    other = after[after[k]]
    while other != before[k]:
        p = flat[other]
        if _inside(p, a, b) and _inside(p, b, c) and _inside(p, c, a):
            return False
        other = after[other]
    return True


@kernel()
def _inside(p, start, end):  # type: ignore[no-untyped-def]
    """Whether a point is left of an edge or on it.

    A bridge to a hole visits its ends twice: a twin of the triangle's own corner does not block it.
    """
    left = (end[0] - start[0]) * (p[1] - start[1]) - (end[1] - start[1]) * (p[0] - start[0]) >= 0
    return left and (p[0] != start[0] or p[1] != start[1])
