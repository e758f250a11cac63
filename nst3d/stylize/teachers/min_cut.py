"""The cut of least weight between two ends of a graph."""

from __future__ import annotations

import numpy as np

from nst3d.kernels import kernel
from nst3d.tensors import Array


def min_cut(edges: Array, weights: Array, sources: Array, sinks: Array) -> Array:
    """Which nodes (n,) bool stay with the sources if edges of the least total weight are cut.

    `edges` (e, 2) are pairs of nodes and `weights` (e,) are not negative; `sources` and `sinks` (n,) bool are the nodes
    that must stay on either side, and those of both stay with the sources. Cuts that weigh the same leave as little as
    possible with the sources. By maximum flow along shortest paths, level by level (Dinic 1970).
    """
    count = len(sources)
    ends = np.concatenate([edges, edges[:, ::-1]]).astype(np.int64)
    order = np.argsort(ends[:, 0], kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    back = np.concatenate([place[len(edges) :], place[: len(edges)]])[order]
    starts = np.searchsorted(ends[order, 0], np.arange(count + 1))
    room = np.concatenate([weights, weights]).astype(np.float64)[order]
    side = np.where(sources, 1, np.where(sinks, 2, 0)).astype(np.int8)
    least = 1e-9 * float(weights.max(initial=0.0))
    return np.asarray(_reached(starts, ends[order, 1].copy(), back, room, side, least) >= 0)


@kernel()
def _reached(starts, ends, back, room, side, least):  # type: ignore[no-untyped-def]
    """Levels of the nodes that are reached from the sources once no more flows; −1: not reached."""
    count = len(side)
    level, waiting = np.empty(count, np.int64), np.empty(count, np.int64)
    following, path = np.empty(count, np.int64), np.empty(count, np.int64)
    while True:
        level[:] = -1
        first, last, ended = 0, 0, False
        for node in range(count):
            if side[node] == 1:
                level[node] = 0
                waiting[last] = node
                last += 1
        while first < last:
            node = waiting[first]
            first += 1
            if side[node] == 2:
                ended = True
                continue
            for k in range(starts[node], starts[node + 1]):
                if room[k] > least and level[ends[k]] < 0:
                    level[ends[k]] = level[node] + 1
                    waiting[last] = ends[k]
                    last += 1
        if not ended:
            return level
        following[:] = starts[:count]
        for source in range(count):
            if side[source] == 1:
                _send(source, (starts, ends, back), room, side, level, (following, path), least)


@kernel()
def _send(source, graph, room, side, level, work, least):  # type: ignore[no-untyped-def]
    """Send what flows from a source along shortest paths."""
    starts, ends, back = graph
    following, path = work
    length, node = 0, source
    while True:
        if side[node] == 2:
            most = np.inf
            for step in range(length):
                most = min(most, room[path[step]])
            keep = length
            for step in range(length - 1, -1, -1):
                room[path[step]] -= most
                room[back[path[step]]] += most
                if room[path[step]] <= least:
                    keep = step
            length = keep
            node = source if length == 0 else ends[path[length - 1]]
            continue
        moved = False
        while following[node] < starts[node + 1]:
            k = following[node]
            if room[k] > least and level[ends[k]] == level[node] + 1:
                path[length] = k
                length += 1
                node = ends[k]
                moved = True
                break
            following[node] += 1
        if moved:
            continue
        if length == 0:
            return
        length -= 1  # a dead end
        node = source if length == 0 else ends[path[length - 1]]
        following[node] += 1
