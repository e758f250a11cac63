"""Chooses the cameras that paint a surface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import (
    Orientation,
    fibonacci_directions,
    framing_distance,
    greedy_cover,
    views_from,
    zoom_to_fill,
)
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.visibility import Points, sample_points, sees
from nst3d.representations.surface import Surface
from nst3d.representations.triangles import face_normals
from nst3d.tensors import Array, ImageSize

_CANDIDATES = 160
_SAMPLES = 8000
_LYING = 0.5
"""Least share of a surface's area that faces up on balance for it to be a terrain; of a closed one it is 0."""
_LEVEL = 0.1
"""Sine of the least elevation from which a terrain is seen."""


@dataclass(frozen=True)
class Rig:
    """Cameras at the finest size, and their coverage."""

    around: tuple[Camera, ...]
    """Cameras outside, at one distance; cropped to the mesh if the options say so."""
    distance: float
    """Distance of the cameras outside from the mesh's centre, in units of its half diagonal."""
    coverage: float
    """Fraction of the whole surface, by area, that the cameras see, in [0, 1]."""
    reachable: float
    """Fraction of the surface that is visible from outside, in [0, 1]."""
    pixel: float
    """Size of a pixel on the mesh at the cameras' distance, in normalised units."""
    within: tuple[Camera, ...] = ()
    """Cameras at places of their own, inside the mesh or as they were given: never cropped."""
    unseen: frozenset[int] = frozenset()
    """Parts of the mesh of which no camera sees anything."""

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """All cameras."""
        return self.around + self.within

    @property
    def inside(self) -> tuple[Camera, ...]:
        """The cameras that see what those outside do not; none if cameras were given."""
        return self.within if self.around else ()

    @property
    def shown_within(self) -> tuple[Camera, ...]:
        """The cameras inside that see most, or those that were given."""
        return self.inside[:4] or self.within


@dataclass(frozen=True)
class Sights:
    """Points on a surface, and what is seen of them from outside."""

    points: Points
    seen: Array
    """(n,) bool: whether a camera of the rig sees the point."""
    reachable: Array
    """(n,) bool: whether any camera outside could."""
    fronts: Array
    """(n,) bool: whether any could see its front, from where its face turns counter-clockwise."""


def plan_rig(surface: Surface, caster: Raycaster, options: RigOptions, size: int) -> Rig:
    """Cameras around a surface: evenly spread ones first, then greedily those that see the rest."""
    return plan_around(surface, caster, options, size)[0]


def plan_around(surface: Surface, caster: Raycaster, options: RigOptions, size: int) -> tuple[Rig, Sights]:
    """The rig of `plan_rig`, and what it sees."""
    directions = _directions(surface, options.views)
    up, field_of_view = Orientation(surface.up, surface.front).up, math.radians(options.field_of_view)
    hull = surface.hull(20_000)
    distance = framing_distance(hull, directions, up, field_of_view)
    cameras = views_from(directions, up, distance, ImageSize(size, size), field_of_view)
    points = sample_points(surface, _SAMPLES)
    visible = np.stack([sees(caster, camera, points) for camera in cameras], axis=1)
    chosen = greedy_cover(visible, options.views, options.coverage, options.max_views)
    if not surface.solid:
        # From behind, or through what is cut away, a direction may show nothing at all.
        chosen = [i for i in chosen if visible[:, i].any()] or chosen
    reachable, seen = np.asarray(visible.any(1)), np.asarray(visible[:, chosen].any(1))
    used = [cameras[i] for i in chosen]
    zoom = zoom_to_fill(used, hull) if options.crop else 1.0
    rig = Rig(
        around=tuple(c.zoomed(zoom) for c in used),
        distance=distance,
        coverage=0.0,
        reachable=float(reachable.mean()),
        pixel=2 * distance * math.tan(field_of_view / 2) / size / zoom,
    )
    fronts = np.asarray((visible & facing(cameras, points)).any(1))
    return covering(rig, surface, points, seen), Sights(points, seen, reachable, fronts)


def covering(rig: Rig, surface: Surface, points: Points, seen: Array) -> Rig:
    """The rig with what its cameras see of a surface: those `seen` (n,) of points sampled on it."""
    assert points.face is not None
    part = surface.part[points.face]
    unseen = frozenset(part.tolist()) - frozenset(part[seen].tolist())
    return replace(rig, coverage=float(seen.mean()), unseen=unseen)


def facing(cameras: Sequence[Camera], points: Points) -> Array:
    """Whether points turn their front to cameras, (points, cameras) bool."""
    towards = [((c.position - points.positions) * points.normals).sum(1) > 0 for c in cameras]
    return np.stack(towards, axis=1)


def _directions(surface: Surface, views: int) -> Array:
    """Evenly spread directions of cameras: first `views` of them, then candidates for what those miss."""
    orientation = Orientation(surface.up, surface.front)
    if not _is_terrain(surface):
        base = fibonacci_directions(views, orientation)
        return np.concatenate([base, fibonacci_directions(_CANDIDATES, orientation, height=0.995)])
    # Half of all directions are from above.
    spread = [fibonacci_directions(2 * n, orientation, height=0.995) for n in (views, _CANDIDATES)]
    return np.concatenate([d[d @ orientation.up > _LEVEL] for d in spread])


def _is_terrain(surface: Surface) -> bool:
    """Whether the surface is open and faces up or down: seen from below, it would show its underside."""
    triangles = surface.positions[surface.faces].astype(np.float64)
    normals = face_normals(triangles)
    areas = surface.areas()
    up = surface.up / np.linalg.norm(surface.up)
    balance = float((normals @ up) @ areas)
    if surface.sides is not None:  # wherever they face, single-sided faces are not seen from behind
        balance = max(balance, 0.0)
    return abs(balance) > _LYING * float(areas.sum())
