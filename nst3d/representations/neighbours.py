"""Nearest neighbours among points: a k-d tree (Bentley 1975), built in numpy, searched by compiled code."""

from __future__ import annotations

import numba
import numpy as np

from nst3d.kernels import kernel
from nst3d.tensors import Array

_LEAF = 12
"""Maximum number of points in a leaf, below which a linear search is faster than another split."""
_DEEPEST = 64


class Neighbours:
    """Nearest-neighbour search among finite points (n, 3)."""

    def __init__(self, points: Array) -> None:
        points = np.ascontiguousarray(points, np.float64)
        self._order, self._nodes, self._cuts = _tree(points)
        self._points = points[self._order]

    def of(self, places: Array, count: int, reach: float = np.inf) -> tuple[Array, Array]:
        """The `count` points nearest to each place (m, 3) that are closer than `reach`, nearest first.

        Returns their indices (m, count) int64 and distances (m, count) float64; a point is its own neighbour
        at distance 0. If there are fewer than `count` such points, the remaining entries are −1 at distance
        infinity. A finite reach saves time where there is none.
        """
        places = np.ascontiguousarray(places, np.float64)
        found = np.full((len(places), count), -1, np.int64)
        squares = np.full((len(places), count), np.square(float(reach)))
        _search(places, self._points, self._nodes, self._cuts, found, squares)
        return np.where(found >= 0, self._order[found], -1), np.where(found >= 0, np.sqrt(squares), np.inf)


def _tree(points: Array) -> tuple[Array, Array, Array]:
    """The order of points by leaf, nodes (k, 4), and the positions of their splitting planes (k,).

    A node is its first point, its end, its axis (−1: a leaf) and the index of its second child; the first
    child follows immediately.
    """
    order = np.arange(len(points))
    nodes: list[list[int]] = []
    cuts: list[float] = []
    waiting = [(0, len(points), -1)]
    while waiting:
        start, end, parent = waiting.pop()
        if parent >= 0:
            nodes[parent][3] = len(nodes)
        here = points[order[start:end]]
        if end - start <= _LEAF:
            nodes.append([start, end, -1, -1])
            cuts.append(0.0)
            continue
        axis, middle = int(np.ptp(here, axis=0).argmax()), (end - start) // 2
        split = np.argpartition(here[:, axis], middle)
        order[start:end] = order[start:end][split]
        nodes.append([start, end, axis, -1])
        cuts.append(float(here[split[middle], axis]))
        waiting.append((start + middle, end, len(nodes) - 1))
        waiting.append((start, start + middle, -1))
    return order, np.array(nodes, np.int64), np.array(cuts)


@kernel(parallel=True)
def _search(places, points, nodes, cuts, found, squares):  # type: ignore[no-untyped-def]
    count = found.shape[1]
    for row in numba.prange(len(places)):
        x, y, z = places[row]
        stack = np.empty(_DEEPEST, np.int64)
        least = np.empty(_DEEPEST)  # squared distance to the nearest possible point behind a node's plane
        stack[0], least[0] = 0, 0.0
        top = 1
        while top > 0:
            top -= 1
            node = stack[top]
            if least[top] > squares[row, count - 1]:
                continue
            while nodes[node, 2] >= 0:
                ahead = places[row, nodes[node, 2]] - cuts[node]
                near, far = node + 1, nodes[node, 3]
                if ahead > 0:
                    near, far = far, near
                stack[top], least[top] = far, ahead * ahead
                top += 1
                node = near
            for k in range(nodes[node, 0], nodes[node, 1]):
                square = (points[k, 0] - x) ** 2 + (points[k, 1] - y) ** 2 + (points[k, 2] - z) ** 2
                if square < squares[row, count - 1]:
                    slot = count - 1
                    while slot > 0 and squares[row, slot - 1] > square:
                        squares[row, slot], found[row, slot] = squares[row, slot - 1], found[row, slot - 1]
                        slot -= 1
                    squares[row, slot], found[row, slot] = square, k
