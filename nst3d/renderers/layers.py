"""What rays see through glass, cut-outs and faces that are turned away: fragments, front to back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nst3d.renderers.raycast import Hits, Raycaster
from nst3d.tensors import Array

MOST = 8
"""Fragments along a ray: the last is reserved for something solid, so that what is behind glass is seen."""
CROSSINGS = 64
"""Faces that a ray meets at most, unseen ones included."""
FAINT = np.float32(1 / 256)
"""Light below which a ray has ended: it goes to the last fragment."""


@dataclass(frozen=True)
class Layers:
    """The fragments that rays see, front to back; arrays are shaped (layers, *rays)."""

    hits: Hits
    """Fragments; a face of -1 where a ray has no more."""
    weight: Array | None = None
    """float32 share of the light that comes from each fragment, 0 for none; None: one layer, all opaque."""

    @property
    def light(self) -> Array:
        """`weight` in numbers, float32."""
        return (self.hits.face >= 0).astype(np.float32) if self.weight is None else self.weight

    def median(self) -> Hits:
        """For each ray the fragment that leaves less than half of the light behind it; -1 for none."""
        if self.weight is None:
            return Hits(*(a[0] for a in self.hits.arrays()))
        dark = self.weight.cumsum(0) > 0.5
        first = dark.argmax(0)[None]
        face, u, v, depth = (np.take_along_axis(a, first, 0)[0] for a in self.hits.arrays())
        seen = dark.any(0)
        return Hits(np.where(seen, face, -1), u, v, np.where(seen, depth, np.float32(np.inf)))


def layers_of(first: Hits) -> Layers:
    """The layers of rays that see only the first face that they hit."""
    return Layers(Hits(*(a[None] for a in first.arrays())))


def see(caster: Raycaster, origins: Array, directions: Array, first: Hits | None = None) -> Layers:
    """What rays (…, 3) see; `origins` broadcasts against `directions`.

    `first` are their first hits, if known. A ray loses light by the opacity of the points that it meets, and
    none where a face is turned away (`Surface.opacity`, `Surface.sides`). Beyond `MOST` - 1 fragments only an
    opaque point is seen.
    """
    first = caster.cast(origins, directions) if first is None else first
    if caster.surface.solid:
        return layers_of(first)
    alpha = caster.stopped(first, directions)
    if np.array_equal(alpha == 1, first.face >= 0):
        return layers_of(first)
    shape = first.face.shape
    stack = _Stack(alpha.size)
    for step in _walk(caster, _Rays.of(origins, directions), first, alpha):
        stack.add(step)
    hits, weight = stack.layers()
    return Layers(Hits(*(a.reshape(-1, *shape) for a in hits.arrays())), weight.reshape(-1, *shape))


def light_between(caster: Raycaster, origins: Array, directions: Array) -> Array:
    """The share of light that passes along rays (n, 3), which end at their own length; (n,) float32."""
    left = np.ones(len(directions), np.float32)
    rays = _Rays.of(origins, directions)
    first = caster.cast(rays.origins, rays.directions)
    for step in _walk(caster, rays, first, caster.stopped(first, directions), far=1.0):
        left[step.rays] = step.light * (1 - step.alpha)
    return left


class _Rays(NamedTuple):
    origins: Array
    directions: Array

    @classmethod
    def of(cls, origins: Array, directions: Array) -> _Rays:
        return cls(np.broadcast_to(origins, directions.shape).reshape(-1, 3), directions.reshape(-1, 3))

    def at(self, rows: Array) -> _Rays:
        return _Rays(self.origins[rows], self.directions[rows])


class _Step(NamedTuple):
    """One crossing of each ray that still has light."""

    rays: Array
    hits: Hits
    alpha: Array
    """How much of the light ends here."""
    light: Array
    """What arrives here."""
    level: Array
    """How many fragments are in front."""


def _walk(caster: Raycaster, rays: _Rays, hits: Hits, alpha: Array, far: float = np.inf) -> Iterator[_Step]:
    """Follows rays from face to face, until they are dark, leave the surface or reach `far`."""
    hits, alpha = Hits(*(a.ravel() for a in hits.arrays())), alpha.ravel()
    number, light = np.arange(len(alpha)), np.ones(len(alpha), np.float32)
    level = np.zeros(len(alpha), np.int8)
    for _ in range(CROSSINGS):
        met = np.flatnonzero((hits.face >= 0) & (hits.depth < far))
        if not len(met):
            return
        number, light, level, alpha, hits = number[met], light[met], level[met], alpha[met], hits.at(met)
        alpha[(level == MOST - 1) & (alpha < 1)] = 0
        alpha[light * (1 - alpha) <= FAINT] = 1
        yield _Step(number, hits, alpha, light, level)
        light, level = light * (1 - alpha), level + (alpha > 0).astype(np.int8)
        on = np.flatnonzero(light > 0)
        number, light, level, last = number[on], light[on], level[on], hits.at(on)
        ahead = rays.at(number)
        hits = caster.beyond(ahead.origins, ahead.directions, last)
        alpha = caster.stopped(hits, ahead.directions)
        # A ray that grazes a face may meet it twice.
        alpha[hits.face == last.face] = 0


class _Stack:
    """Gathers the fragments of rays, each ray's at its own pace."""

    def __init__(self, rays: int) -> None:
        self._rays = rays
        self._layers: list[tuple[Array, ...]] = []

    def add(self, step: _Step) -> None:
        """Add one crossing of some rays."""
        seen = step.alpha > 0
        for level in np.unique(step.level[seen]):
            if level == len(self._layers):
                self._layers.append(_empty_layer(self._rays))
            here = np.flatnonzero(seen & (step.level == level))
            for store, values in zip(self._layers[level], (*step.hits.arrays(), step.light * step.alpha)):
                store[step.rays[here]] = values[here]

    def layers(self) -> tuple[Hits, Array]:
        """All layers, at least one: hits and weights, (layers, rays)."""
        layers = self._layers or [_empty_layer(self._rays)]
        *hits, weight = (np.stack(arrays) for arrays in zip(*layers))
        return Hits(*hits), weight


def _empty_layer(rays: int) -> tuple[Array, ...]:
    blank = np.zeros(rays, np.float32)
    depth = np.full(rays, np.inf, np.float32)
    return np.full(rays, -1, np.int32), blank, blank.copy(), depth, blank.copy()
