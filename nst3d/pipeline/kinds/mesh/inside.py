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
from nst3d.pipeline.kinds.mesh.pieces import shut_in
from nst3d.pipeline.kinds.mesh.places import places_to_see
from nst3d.pipeline.kinds.mesh.rig import Rig, Sights, covering, facing, plan_around
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.renderers.outside import TURNED, SidesChoice, seen_from_outside
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.visibility import Points, sample_points, sees
from nst3d.representations.surface import Surface
from nst3d.tensors import Array, ImageSize

_HIDDEN = 0.05
"""Share of the surface that must be hidden from outside for a look inside."""
_LITTLE = 0.03
"""The same where views from outside see mostly backs, and the least share that a look inside must add."""
_FIELD = math.radians(90)
"""Field of view of cameras inside."""
_THOROUGH = 0.25
"""Share of what may be missed outside that may be missed inside, where walls are large and what is in it is small."""
_WORTH = 0.25
"""Least that a camera adds in a round, in units of what the best one does; little things wait for better places."""
_SAMPLES = 2500
_POINTS = 8000
_ROUNDS = 12
"""Most rounds in which cameras are added for what those before do not see."""
_GAIN = 0.001
"""Share of the surface that a round must add for another one."""


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
    return np.array(seen, bool).reshape(len(cameras), len(points.positions)).T


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
    furniture: Array | None = None
    if options.inside == "auto":
        hidden = float((~sights.reachable).mean())
        if hidden < _LITTLE:
            return rig
        furniture = _furniture(surface, sights)
        if hidden < _HIDDEN and not inward and not furniture.any():
            return rig
    seen = sights.seen & sights.fronts if inward else sights.seen
    cameras, visible = _chosen(caster, replace(sights, seen=seen), furniture, options, size)
    new = visible.any(1) & ~sights.reachable
    if options.inside == "auto" and new.mean() < _LITTLE:
        return rig
    pixel = min(rig.pixel, _pixel(cameras, sights.points, visible)) if cameras else rig.pixel
    rig = replace(rig, within=tuple(cameras), pixel=pixel)
    return covering(rig, surface, sights.points, sights.seen | _any(visible))


def _furniture(surface: Surface, sights: Sights) -> Array:
    """The faces of pieces that are shut in, (faces,) bool: none if they are too little to be looked for."""
    faces = shut_in(surface, sights)
    return faces & bool(faces[sights.points.face].mean() >= _LITTLE)


def _chosen(
    caster: Raycaster, sights: Sights, furniture: Array | None, options: RigOptions, size: int
) -> tuple[list[Camera], Array]:
    """Cameras that see what the rig outside does not, and which of the points (n,) each sees, (n, k) bool.

    They are added in rounds, each for what is still unseen, up to `max_inside` cameras.
    """
    points, seen = sights.points, sights.seen
    cameras: list[Camera] = []
    visible = [np.zeros((len(seen), 0), bool)]
    for number in range(_ROUNDS):
        dark = np.flatnonzero(~seen)
        if not len(dark) or len(cameras) >= options.max_inside:
            break
        places = places_to_see(caster, points.at(dark), furniture, number)
        tried = [c for k, place in enumerate(places) for c in _looks(place, caster.surface, k, size)]
        some = points.at(dark[:: -(-len(dark) // _SAMPLES)])
        added = _added(caster, tried, some, options, options.max_inside - len(cameras))
        shown = _visible(caster, added, points)
        gain = float((_any(shown) & ~seen).mean())
        cameras += added
        visible.append(shown)
        seen = seen | _any(shown)
        if gain < _GAIN:
            break
    return cameras, np.concatenate(visible, axis=1)


def _added(
    caster: Raycaster, tried: list[Camera], wanted: Points, options: RigOptions, most: int
) -> list[Camera]:
    """Those of the cameras `tried`, at most `most`, that together see nearly what all of them see of some points."""
    if not tried:
        return []
    # Opaque surfaces are cast at much faster, and a room is no less enclosed by them.
    solid = caster.seen_as(caster.surface.made_solid())
    visible = _visible(solid, tried, wanted)
    fronts = visible & facing(tried, wanted)
    # Backs count only where no camera sees a front.
    if caster.surface.sides is None:
        fronts = np.where(fronts.any(1, keepdims=True), fronts, visible)
    target = 1 - _THOROUGH * (1 - options.coverage)
    return [tried[i] for i in greedy_cover(fronts, 0, target, most, _WORTH)]


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
