"""Checks, from outside, whether a surface can be shown as its materials say."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from nst3d.renderers.layers import see
from nst3d.renderers.opacity import turned_away
from nst3d.renderers.raycast import Raycaster
from nst3d.representations.surface import Surface
from nst3d.representations.triangles import unit
from nst3d.tensors import Array

SidesChoice = Literal["auto", "both"]
"""auto: single-sided faces are seen from their front. both: all faces are seen from both sides."""

_RAYS = 4096
_AWAY = 1.2
"""Radius of the sphere on which rays begin; the surface has radius 1."""
_TOGETHER = 1e-4
"""Share of a ray's length between faces that lie in one place."""
_NOTHING = 0.002
"""Share of the light that a surface must stop to count as visible."""

TURNED = (
    "most single-sided faces are turned inside out, so views show both sides of all:"
    " recalculate the normals and export again to have backs hidden"
)
"""The note for a surface whose fronts are inside."""


def seen_from_outside(surface: Surface, sides: SidesChoice = "auto") -> tuple[Raycaster, tuple[str, ...]]:
    """A caster of the surface as views should show it, and a note for each way in which that departs.

    Faces whose backs are hidden are shown from both sides if most rays from outside hit backs: those are
    turned inside out. Alpha is ignored if next to nothing can be seen.
    """
    caster = Raycaster(surface)
    notes = []
    if sides == "both":
        caster = caster.seen_as(replace(surface, sides=None))
    if caster.surface.solid:
        return caster, ()
    origins, directions = _rays()
    first = caster.cast(origins, directions)
    hit = first.face >= 0
    if caster.surface.sides is not None:
        sided = hit & (caster.surface.sides[first.face] != 0)
        away = np.flatnonzero(turned_away(caster.surface, first.face, directions))
        behind = caster.beyond(origins[away], directions[away], first.at(away)).depth - first.depth[away]
        # Of two faces in one place either may be hit.
        if 2 * (behind > _TOGETHER).sum() > sided.sum():
            caster = caster.seen_as(replace(caster.surface, sides=None))
            notes.append(TURNED)
    if caster.surface.opacity is not None:
        stopped = see(caster, origins, directions, first).light.sum()
        if stopped < _NOTHING * hit.sum():
            caster = caster.seen_as(replace(caster.surface, opacity=None))
            notes.append("its materials are transparent nearly everywhere, so views ignore their alpha")
    return caster, tuple(notes)


def like(shown: Surface, surface: Surface) -> Surface:
    """`surface`, of the same mesh, with backs and transparency only where `shown` has them."""
    return replace(
        surface,
        sides=None if shown.sides is None else surface.sides,
        opacity=None if shown.opacity is None else surface.opacity,
    )


def _rays() -> tuple[Array, Array]:
    """Origins and directions (n, 3) of chords between random points on a sphere around the surface."""
    ends = unit(np.random.default_rng(0).normal(size=(2, _RAYS, 3))) * _AWAY
    return ends[0], ends[1] - ends[0]
