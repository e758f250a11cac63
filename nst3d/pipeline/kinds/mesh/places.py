"""Finds places in the rooms of a mesh, from which what is not seen yet can be seen."""

from __future__ import annotations

import numpy as np

from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.visibility import Points
from nst3d.representations.surface import Surface
from nst3d.representations.triangles import unit
from nst3d.tensors import Array

_PLACES = 240
"""Most places at which cameras are tried."""
_TRIED = 2000
_RAYS = 64
_WIDE = 0.1
"""Median distance, half diagonals, of what surrounds a place in a room; cavities are narrower."""
_CLEAR = 0.2
"""Least distance of anything from a camera, in units of that median."""
_LARGE = 0.07
"""Least distance, half diagonals, of anything from a camera in a body: bodies lie closer under clothes."""
_ENCLOSED = 0.5
"""Share of the directions around a place in a room that must hit something."""
_FURNISHED = 0.03
"""Share of these that must hit a front: inside of a solid body there are none."""
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


def places_to_see(caster: Raycaster, dark: Points, furniture: Array | None, seed: int) -> Array:
    """Places (k, 3) in rooms from which points that are not seen yet, `dark`, can be seen.

    They are half way between such a point and what is opposite of it, and not within a body, unless that has
    `furniture`, (faces,) bool, in sight. None: also within bodies.
    """
    generator = np.random.default_rng(seed)
    dark = dark.at(generator.permutation(len(dark.positions))[:_TRIED])
    # Straight ahead and at random, from either side.
    back = -1.0 if caster.surface.sides is None else 1.0
    side = np.where(np.arange(len(dark.positions)) % 2, 1.0, back)[:, None]
    spread = 0.7 * unit(generator.normal(size=(len(dark.positions), 3)))
    ways = unit(dark.normals * side + spread)
    starts = dark.positions + _LIFT * dark.normals * side
    hits = caster.cast(starts, ways)
    far = np.where(hits.face >= 0, hits.depth, 0.0)
    places = starts + 0.5 * far[:, None] * ways
    every = np.ones(len(caster.surface.faces), bool)
    places = places[_in_rooms(caster, places, every, 0.0)]
    if furniture is not None:
        around = _windings(caster, places, every)
        good = (np.abs(around) < _OPEN) | (around < -_WOUND)
        if furniture.any():
            good |= _in_rooms(caster, places, furniture, _LARGE) & (
                _windings(caster, places, furniture) < _OPEN
            )
        places = places[good]
    return places[:_PLACES]


def _in_rooms(caster: Raycaster, places: Array, fronts: Array, clear: float) -> Array:
    """Whether places (k, 3) are enclosed, with room around them, and see a front of some faces, (k,) bool.

    `fronts` (faces,) bool are those faces; nothing is nearer than `clear`.
    """
    rays = _rays(_RAYS)
    hits = caster.cast(places[:, None], np.broadcast_to(rays, (len(places), _RAYS, 3)))
    hit = hits.face >= 0
    front = hit & fronts[hits.face] & (_turns(caster.surface, hits.face, rays) < 0)
    far = np.where(hit, hits.depth, np.inf)
    middle = np.median(far, axis=1)
    wide = np.isfinite(middle) & (middle > _WIDE) & (far.min(1) > np.maximum(clear, _CLEAR * middle))
    return wide & (hit.mean(1) > _ENCLOSED) & (front.mean(1) > _FURNISHED)


def _windings(caster: Raycaster, places: Array, counted: Array) -> Array:
    """How often some faces are wound around places (k, 3): 1 within a body, 0 in the open, -1 in a room of one skin.

    This is the mean over rays of their exits less their entries through the faces `counted`, (faces,) bool.
    """
    ways = np.broadcast_to(_rays(_FEW_RAYS), (len(places), _FEW_RAYS, 3)).reshape(-1, 3)
    origins, total = np.repeat(places, _FEW_RAYS, axis=0), np.zeros(len(ways))
    rays = np.arange(len(ways))
    for _ in range(_CROSSINGS):
        hits = caster.cast(origins[rays], ways[rays])
        rays, hits = rays[hits.face >= 0], hits.at(hits.face >= 0)
        if not len(rays):
            break
        total[rays] += np.sign(_turns(caster.surface, hits.face, ways[rays])) * counted[hits.face]
        origins[rays] += ways[rays] * (hits.depth[:, None] + _STEP)
    return total.reshape(-1, _FEW_RAYS).mean(1)


def _rays(count: int) -> Array:
    """Random directions (count, 3)."""
    return unit(np.random.default_rng(1).normal(size=(count, 3)))


def _turns(surface: Surface, face: Array, ways: Array) -> Array:
    """The product of faces' outer normals and the directions (…, 3) of rays that hit them: below 0 for fronts."""
    # Normals of corners also point outwards where an instance is mirrored.
    return np.asarray((surface.normals[np.maximum(face, 0)].mean(-2) * ways).sum(-1))
