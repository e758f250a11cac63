"""Chooses the cameras that paint a surface."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
from nst3d.renderers.visibility import sample_points, sees
from nst3d.representations.surface import Surface
from nst3d.tensors import ImageSize

_CANDIDATES = 160
_SAMPLES = 8000


@dataclass(frozen=True)
class Rig:
    """Cameras at the finest size, and their coverage."""

    cameras: tuple[Camera, ...]
    distance: float
    """Distance from the mesh's centre, in units of its half diagonal."""
    coverage: float
    """Fraction seen of the surface that any candidate camera can see, in [0, 1]."""
    reachable: float
    """Fraction of the surface that is visible from outside, in [0, 1]."""
    pixel: float
    """Size of a pixel on the mesh at the cameras' distance, in normalised units."""


def plan_rig(surface: Surface, caster: Raycaster, options: RigOptions, size: int) -> Rig:
    """Cameras around a surface: evenly spread ones first, then greedily those that see the rest."""
    orientation = Orientation(surface.up, surface.front)
    base = fibonacci_directions(options.views, orientation)
    extra = fibonacci_directions(_CANDIDATES, orientation, height=0.995)
    directions = np.concatenate([base, extra])
    field_of_view = math.radians(options.field_of_view)
    hull = surface.hull(20_000)
    distance = framing_distance(hull, directions, orientation.up, field_of_view)
    cameras = views_from(directions, orientation.up, distance, ImageSize(size, size), field_of_view)
    points = sample_points(surface, _SAMPLES)
    visible = np.stack([sees(caster, camera, points) for camera in cameras], axis=1)
    chosen = greedy_cover(visible, options.views, options.coverage, options.max_views)
    if not surface.solid:
        # From behind, or through what is cut away, a direction may show nothing at all.
        chosen = [i for i in chosen if visible[:, i].any()] or chosen
    reachable = visible.any(1)
    seen = visible[:, chosen].any(1)
    used = [cameras[i] for i in chosen]
    zoom = zoom_to_fill(used, hull) if options.crop else 1.0
    return Rig(
        cameras=tuple(c.zoomed(zoom) for c in used),
        distance=distance,
        coverage=float(seen.sum() / max(reachable.sum(), 1)),
        reachable=float(reachable.mean()),
        pixel=2 * distance * math.tan(field_of_view / 2) / size / zoom,
    )
