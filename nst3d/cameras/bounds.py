"""The bounds of a captured scene, estimated from its cameras alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.tensors import Array

SceneShape = Literal["bounded", "forward", "unbounded"]

_SHARE = 2.5
"""Ratio of the cameras' mean distance to the radius of the scene's ball."""
_ALIGNED = 0.95
"""Length of the mean viewing direction above which a capture is forward-facing: about 18 degrees around."""
_INSIDE_OUT = 0.6
"""Minimum share of cameras that have a point in front of them for it to count as what they look at."""
_ROUNDS = 30


@dataclass(frozen=True)
class SceneFrame:
    """The ball that contains the subject of a capture."""

    centre: Array
    """(3,), world units."""
    radius: float
    """World units."""
    kind: SceneShape
    """bounded: nothing is outside the ball. forward: all cameras face one way. unbounded: the cameras look
    around, and space outside the ball must be contracted."""


def scene_frame(
    cameras: Sequence[Camera], kind: SceneShape | None = None, depths: tuple[float, float] | None = None
) -> SceneFrame:
    """The ball that the cameras look at, given the scene's `kind` (None: estimated) and `depths` if known.

    Centre: the point with the smallest sum of distances to all optical axes, which is robust to a few cameras
    that look elsewhere. Radius: the cameras' mean distance from it / 2.5; for a bounded scene, what the
    images cover at that point, if that is larger. Cameras that look outwards from one place have no such
    point; the ball then contains all of them. Forward-facing cameras hardly constrain depth: `depths`
    (nearest, farthest) sets it if known; otherwise, if the axes meet too far away or not at all, it is four
    times the cameras' spread.
    """
    positions = np.stack([c.position for c in cameras]).astype(np.float64)
    forwards = np.stack([c.forward for c in cameras]).astype(np.float64)
    if kind is None:
        kind = "forward" if np.linalg.norm(forwards.mean(0)) > _ALIGNED else "unbounded"
    if kind == "forward":
        centre = _ahead(positions, forwards, depths)
    else:
        centre = meeting_point(positions, forwards)
        if (((centre - positions) * forwards).sum(1) > 0).mean() < _INSIDE_OUT:
            middle = positions.mean(0)
            reach = float(np.linalg.norm(positions - middle, axis=1).max())
            return SceneFrame(middle, 2 * reach or 1.0, "unbounded")
    distances = np.linalg.norm(positions - centre, axis=1)
    radius = float(distances.mean()) / _SHARE
    if kind == "bounded":
        radius = max(radius, float(np.median(distances * [_half_view(c) for c in cameras])))
    return SceneFrame(centre, radius or 1.0, kind)


def meeting_point(positions: Array, forwards: Array) -> Array:
    """The point (3,) with the smallest sum of distances to the lines through positions (n, 3) along forwards.

    Iteratively reweighted least squares; for parallel lines the result stays at the mean position along them.
    """
    middle = positions.mean(0)
    across = np.eye(3) - forwards[:, :, None] * forwards[:, None, :]
    scale = max(float(np.linalg.norm(positions - middle, axis=1).mean()), 1e-12)
    weights, point = np.ones(len(positions)), middle
    for _ in range(_ROUNDS):
        system = np.einsum("n,nij->ij", weights, across) / weights.sum() + 1e-9 * np.eye(3)
        wanted = np.einsum("n,nij,nj->i", weights, across, positions - middle) / weights.sum()
        point = middle + np.linalg.solve(system, wanted)
        missed = np.linalg.norm(np.einsum("nij,nj->ni", across, point - positions), axis=1)
        weights = 1 / np.maximum(missed, 1e-6 * scale)
    return point


def look_away(cameras: Sequence[Camera], point: Array) -> list[int]:
    """Indices of the cameras that face away from a point that most cameras look at; empty if most do not."""
    positions = np.stack([c.position for c in cameras])
    forwards = np.stack([c.forward for c in cameras])
    ways = point - positions
    cosines = (ways * forwards).sum(1) / np.maximum(np.linalg.norm(ways, axis=1), 1e-12)
    return np.flatnonzero(cosines < 0).tolist() if np.median(cosines) > 0.7 else []


def _ahead(positions: Array, forwards: Array, depths: tuple[float, float] | None) -> Array:
    """The point that forward-facing cameras look at."""
    middle, way = positions.mean(0), forwards.mean(0)
    way = way / np.linalg.norm(way)
    spread = max(float(np.linalg.norm(positions - middle, axis=1).mean()), 1e-12)
    if depths is not None:
        # The depth at the middle of the disparity range between near and far.
        return middle + way * (2 / (1 / depths[0] + 1 / depths[1]))
    found = meeting_point(positions, forwards)
    depth = float((found - middle) @ way)
    return found if spread < depth < 20 * spread else middle + way * 4 * spread


def _half_view(camera: Camera) -> float:
    """The sine of the angle between the axis and the nearest edge of the image."""
    edges = camera.centre[0], camera.size.width - camera.centre[0]
    rises = camera.centre[1], camera.size.height - camera.centre[1]
    tangent = max(min(min(edges) / camera.focal, min(rises) / (camera.focal * camera.aspect)), 1e-3)
    return float(tangent / np.hypot(1, tangent))
