"""Chooses cameras inside a mesh: in the rooms of what is not seen from outside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.cameras.rigs import Orientation, greedy_cover
from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.mesh.rig import Rig, Sights, covering, facing, plan_around
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.renderers.outside import TURNED, SidesChoice, seen_from_outside
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.visibility import Points, sample_points, sees
from nst3d.representations.surface import Surface
from nst3d.representations.triangles import unit
from nst3d.tensors import Array, ImageSize

_HIDDEN = 0.05
"""Share of the surface that must be hidden from outside for a look inside."""
_LITTLE = 0.03
"""The same where views from outside see mostly backs, and the least share that a look inside must add."""
_FIELD = math.radians(80)
"""Field of view of cameras inside."""
_PLACES = 240
"""Most places at which cameras are tried."""
_TRIED = 2000
_RAYS = 64
_WIDE = 0.1
"""Median distance, half diagonals, of what surrounds a place in a room; cavities are narrower."""
_CLEAR = 0.2
"""Least distance of anything from a camera, in units of that median."""
_ENCLOSED = 0.5
"""Share of the directions around a place in a room that must hit something."""
_FURNISHED = 0.03
"""Share of these that must hit a front: inside of a solid body there are none."""
_THOROUGH = 0.25
"""Share of what may be missed outside that may be missed inside, where walls are large and what is in it is small."""
_SAMPLES = 2500
_POINTS = 8000
_LIFT = 1e-3
_FEW_RAYS = 32
_OPEN = 0.1
"""Largest winding number, either way, of a place in the open."""
_WOUND = 0.6
"""Least winding number, negative, of a place in a room of one skin; windows take from 1."""
_CROSSINGS = 64
"""Most faces that a ray passes when windings are counted."""
_STEP = 1e-5
"""Distance behind a face at which a ray continues."""


class Plan(NamedTuple):
    """How a surface is seen while it is painted."""

    caster: Raycaster
    rig: Rig
    notes: tuple[str, ...]
    """How views depart from what the asset says, one sentence each."""


def plan_views(
    surface: Surface, sides: SidesChoice, options: RigOptions, size: int, given: Sequence[Camera] = ()
) -> Plan:
    """The cameras of a surface, `given` or a rig outside and inside, and which sides of its faces views show.

    Raises ConfigError if given cameras see nothing of it.
    """
    caster, notes = seen_from_outside(surface, sides)
    rig = (
        plan_given(caster, given, options, size)
        if given
        else plan_with_inside(caster.surface, caster, options, size)
    )
    if TURNED not in notes or not rig.within or not _see_fronts(caster, rig.within):
        return Plan(caster, rig, notes)
    # It is not inside out but a room: from outside it is a doll's house, whose backs are hidden.
    caster = caster.seen_as(replace(caster.surface, sides=surface.sides))
    points = sample_points(caster.surface, _POINTS)
    rig = covering(rig, caster.surface, points, _any(_visible(caster, rig.cameras, points)))
    return Plan(caster, rig, tuple(note for note in notes if note != TURNED))


def plan_given(caster: Raycaster, cameras: Sequence[Camera], options: RigOptions, size: int) -> Rig:
    """The rig that consists of some cameras, the largest `size` pixels long. Raises ConfigError if they see nothing."""
    factor = size / max(max(c.size) for c in cameras)
    cameras = [camera.scaled(factor) for camera in cameras]
    rig, sights = plan_around(caster.surface, caster, options, size)
    visible = _visible(caster, cameras, sights.points)
    if not visible.any():
        raise ConfigError("no camera of `cameras` sees the mesh; give cameras in the coordinates of its file")
    rig = replace(rig, around=(), within=tuple(cameras), pixel=_pixel(cameras, sights.points, visible))
    return covering(rig, caster.surface, sights.points, _any(visible))


def _see_fronts(caster: Raycaster, cameras: Sequence[Camera]) -> bool:
    """Whether most that cameras see are fronts."""
    points = sample_points(caster.surface, _SAMPLES)
    visible = _visible(caster, cameras, points)
    return bool(2 * (visible & facing(cameras, points)).any(1).sum() > visible.any(1).sum())


def _visible(caster: Raycaster, cameras: Sequence[Camera], points: Points) -> Array:
    """Which points cameras see, (points, cameras) bool."""
    seen = [sees(caster, camera, points) for camera in cameras]
    return np.array(seen, bool).reshape(len(cameras), -1).T


def _any(visible: Array) -> Array:
    """Which points any camera sees, (points,) bool."""
    return np.asarray(visible.any(1))


def plan_with_inside(surface: Surface, caster: Raycaster, options: RigOptions, size: int) -> Rig:
    """Cameras around a surface and, if much of it is hidden from outside, in its rooms."""
    rig, sights = plan_around(surface, caster, options, size)
    if options.inside == "never":
        return rig
    # A room of one skin: from outside its walls show their backs, which is not how they are meant to be seen.
    inward = bool(sights.fronts.mean() < 0.5)
    hidden = float((~sights.reachable).mean())
    if options.inside == "auto" and hidden < (_LITTLE if inward else _HIDDEN):
        return rig
    seen = sights.seen & sights.fronts if inward else sights.seen
    cameras, visible = _chosen(caster, replace(sights, seen=seen), options, size)
    new = visible.any(1) & ~sights.reachable
    if options.inside == "auto" and new.mean() < _LITTLE:
        return rig
    pixel = min(rig.pixel, _pixel(cameras, sights.points, visible)) if cameras else rig.pixel
    rig = replace(rig, within=tuple(cameras), pixel=pixel)
    return covering(rig, surface, sights.points, sights.seen | _any(visible))


def _chosen(caster: Raycaster, sights: Sights, options: RigOptions, size: int) -> tuple[list[Camera], Array]:
    """Cameras that see what the rig outside does not, and which of the points (n,) each sees, (n, k) bool."""
    places = _places(caster, sights, options.inside == "always")
    tried = [c for k, place in enumerate(places) for c in _looks(place, caster.surface, k, size)]
    points, dark = sights.points, np.flatnonzero(~sights.seen)
    if not tried or not len(dark):
        return [], np.zeros((len(points.positions), 0), bool)
    some = dark[:: -(-len(dark) // _SAMPLES)]
    wanted = points.at(some)
    # Opaque surfaces are cast at much faster, and a room is no less enclosed by them.
    solid = caster.seen_as(caster.surface.made_solid())
    visible = _visible(solid, tried, wanted)
    fronts = visible & facing(tried, wanted)
    # Backs count only where no camera sees a front.
    if caster.surface.sides is None:
        fronts = np.where(fronts.any(1, keepdims=True), fronts, visible)
    target = 1 - _THOROUGH * (1 - options.coverage)
    chosen = [tried[i] for i in greedy_cover(fronts, 0, target, options.max_inside)]
    return chosen, _visible(caster, chosen, points)


def _places(caster: Raycaster, sights: Sights, within_bodies: bool) -> Array:
    """Places (k, 3) in rooms from which points that are not seen yet can be seen.

    They are half way between such a point and what is opposite of it, not within a closed body unless
    `within_bodies`.
    """
    generator = np.random.default_rng(0)
    dark = np.flatnonzero(~sights.seen)
    dark = generator.choice(dark, min(_TRIED, len(dark)), replace=False)
    normals = sights.points.normals[dark]
    # Straight ahead and at random, from either side.
    side = np.where(np.arange(len(dark)) % 2, 1.0, -1.0 if caster.surface.sides is None else 1.0)[:, None]
    ways = unit(normals * side + 0.7 * unit(generator.normal(size=normals.shape)))
    starts = sights.points.positions[dark] + _LIFT * normals * side
    hits = caster.cast(starts, ways)
    far = np.where(hits.face >= 0, hits.depth, 0.0)
    places = starts + 0.5 * far[:, None] * ways
    places = places[_in_rooms(caster, places)]
    if not within_bodies:
        around = _windings(caster, places)
        places = places[(np.abs(around) < _OPEN) | (around < -_WOUND)]
    return places[:_PLACES]


def _in_rooms(caster: Raycaster, places: Array) -> Array:
    """Whether places (k, 3) are enclosed, with room around them, and see a front, (k,) bool."""
    rays = _rays(_RAYS)
    hits = caster.cast(places[:, None], np.broadcast_to(rays, (len(places), _RAYS, 3)))
    hit = hits.face >= 0
    front = hit & (_turns(caster.surface, hits.face, rays) < 0)
    far = np.where(hit, hits.depth, np.inf)
    middle = np.median(far, axis=1)
    wide = np.isfinite(middle) & (middle > _WIDE) & (far.min(1) > _CLEAR * middle)
    return wide & (hit.mean(1) > _ENCLOSED) & (front.mean(1) > _FURNISHED)


def _windings(caster: Raycaster, places: Array) -> Array:
    """How often the surface is wound around places (k, 3): 1 within a body, 0 in the open, -1 in a room of one skin.

    This is the mean over rays of their exits less their entries.
    """
    ways = np.broadcast_to(_rays(_FEW_RAYS), (len(places), _FEW_RAYS, 3)).reshape(-1, 3)
    origins, total = np.repeat(places, _FEW_RAYS, axis=0), np.zeros(len(ways))
    rays = np.arange(len(ways))
    for _ in range(_CROSSINGS):
        hits = caster.cast(origins[rays], ways[rays])
        rays, hits = rays[hits.face >= 0], hits.at(hits.face >= 0)
        if not len(rays):
            break
        total[rays] += np.sign(_turns(caster.surface, hits.face, ways[rays]))
        origins[rays] += ways[rays] * (hits.depth[:, None] + _STEP)
    return total.reshape(-1, _FEW_RAYS).mean(1)


def _rays(count: int) -> Array:
    """Random directions (count, 3)."""
    return unit(np.random.default_rng(1).normal(size=(count, 3)))


def _turns(surface: Surface, face: Array, ways: Array) -> Array:
    """The product of faces' outer normals and the directions (…, 3) of rays that hit them: below 0 for fronts."""
    # Normals of corners also point outwards where an instance is mirrored.
    return np.asarray((surface.normals[np.maximum(face, 0)].mean(-2) * ways).sum(-1))


def _looks(place: Array, surface: Surface, number: int, size: int) -> list[Camera]:
    """Cameras at a place that look to four sides, turned by its number, and up and down."""
    right, up, front = Orientation(surface.up, surface.front).axes().T
    turns = number * 2.4 + np.arange(4) * math.pi / 2
    ways = [math.cos(t) * front + math.sin(t) * right for t in turns] + [
        0.98 * up + 0.2 * front,
        0.2 * front - 0.98 * up,
    ]
    poses = [look_at(place, place + way, up) for way in ways]
    return [perspective(pose, ImageSize(size, size), _FIELD) for pose in poses]


def _pixel(cameras: Sequence[Camera], points: Points, visible: Array) -> float:
    """The usual size of a pixel on what cameras see."""
    sizes = [c.project(points.positions[visible[:, k]])[1] / c.focal for k, c in enumerate(cameras)]
    return float(np.median(np.concatenate(sizes)))
