"""Image analogies: a picture is painted as another one was, patch by patch.

Hertzmann et al. 2001, "Image analogies"; the search is PatchMatch (Barnes et al. 2009), in turns with a vote of the
patches (Wexler et al. 2007), from coarse to fine. What is copied is how the other picture changed: paint that covers
what was below brings its own colours, and paint that lets it through keeps the detail that is here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.kernels import kernel
from nst3d.tensors import Array

_RADIUS = 2
"""Patches are 5 x 5 pixels."""
_LEVELS = 3
_TURNS = (2, 2, 3)
"""Searches and votes at each level, fine to coarse."""
_SWEEPS = 3
_COLOUR, _PAINT, _GUIDE = 1.0, 1.0, 0.15
"""Weights of squared differences: of colours before painting, of colours after it, and of the guides."""
_USE = 0.004
"""Cost of a place for each time that it is used more than is even (Kaspar et al. 2015, "Self tuning texture
optimization"), without which a few easy places would be all that is copied."""
_MOST_USE = 25.0
_OUTSIDE = 0.1
"""Squared difference that counts for a pixel of a patch that reaches beyond what may be copied."""
_SMOOTH, _SHARP = 0.5, 1.5
"""Fall-off of votes with squared distance from a patch's centre, while searching and for the result."""


@dataclass(frozen=True)
class Plate:
    """A picture with what tells its parts apart."""

    before: Array
    """(h, w, 3) float32: before painting."""
    after: Array
    """(h, w, 3) float32: after painting."""
    guides: Array
    """(h, w, g) float32: features, which are alike where the same is shown."""
    usable: Array
    """(h, w) float32 in [0, 1]: of an example, what may be copied; of a picture to paint, what the scene covers."""

    def coarser(self) -> Plate:
        """The same at half the size, averaged over what is usable."""
        before, after, guides = (_halved(a, self.usable) for a in (self.before, self.after, self.guides))
        return Plate(before, after, guides, _halved(self.usable, np.ones_like(self.usable)))


def painted_alike(example: Plate, plate: Plate, todo: Array, seed: int = 0) -> Array:
    """The colours (h, w, 3) of a plate where `todo` (h, w) is 1 are painted as the example was; others stay.

    `plate.after` holds what is painted already. The same seed gives the same picture.
    """
    examples, plates, todos = [example], [plate], [todo.astype(np.float32)]
    while len(plates) < _LEVELS and min(min(p.usable.shape) for p in (examples[-1], plates[-1])) >= 48:
        todos.append(_halved(todos[-1], plates[-1].usable))
        examples.append(examples[-1].coarser())
        plates.append(plates[-1].coarser())
    places: Array | None = None
    after = plate.after
    for level in range(len(plates) - 1, -1, -1):
        one, other = examples[level], plates[level]
        wanted = (todos[level] > 0.5) & (other.usable > 0.5)
        places = _first(one, other, wanted) if places is None else _doubled(places, one, wanted)
        after, gain = other.after.copy(), gains(one)
        source = (one.usable > 0.5, one.before, one.after, one.guides)
        target = (other.usable > 0.5, other.before, after, other.guides)
        _vote(places, wanted, source, gain, target, _SMOOTH)
        for turn in range(_TURNS[level]):
            _search(places, wanted, source, target, seed + 101 * level + turn)
            last = level == 0 and turn == _TURNS[0] - 1
            _vote(places, wanted, source, gain, target, _SHARP if last else _SMOOTH)
    return after


def gains(example: Plate, radius: int = 3) -> Array:
    """(h, w) float32 in [0, 1]: how much of what was below paint lets through, the slope of after on before."""
    weight = example.usable

    def mean(values: Array) -> Array:
        return _boxed(values * weight, radius) / np.maximum(_boxed(weight, radius), 1e-6)

    covariance, variance = np.zeros_like(weight), np.full_like(weight, 1e-4)
    for c in range(3):
        x, y = example.before[..., c], example.after[..., c]
        covariance += mean(x * y) - mean(x) * mean(y)
        variance += mean(x * x) - mean(x) ** 2
    same = np.abs(example.after - example.before).max(2) == 0
    slope = np.clip((covariance + 1e-4 * same) / variance, 0, 1)
    return np.where(same, 1, slope).astype(np.float32)


def _boxed(values: Array, radius: int) -> Array:
    side = 2 * radius + 1
    planes = torch.from_numpy(np.ascontiguousarray(values, np.float32))[None, None]
    return F.avg_pool2d(planes, side, 1, radius, count_include_pad=True)[0, 0].numpy()


def _halved(values: Array, weight: Array) -> Array:
    """The mean over blocks of 2 x 2 by weight (h, w); an odd last row or column is repeated."""
    both = np.pad(weight, [(0, s % 2) for s in weight.shape], mode="edge").astype(np.float32)
    wide = np.pad(values, [(0, s % 2) for s in weight.shape] + [(0, 0)] * (values.ndim - 2), mode="edge")
    both = both if values.ndim == 2 else both[..., None]
    total = _blocks(both)
    even = np.ones_like(both) if not total.all() else both
    mixed = np.where(total > 0, _blocks(wide * both) / np.maximum(total, 1e-6), _blocks(wide * even) / 4)
    return mixed.astype(np.float32)


def _blocks(values: Array) -> Array:
    return values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]


def _first(example: Plate, plate: Plate, wanted: Array) -> Array:
    """For each wanted pixel the place (row, column) in the example with the most similar colour and guides."""
    places = np.zeros((*wanted.shape, 2), np.int32)
    usable = np.argwhere(example.usable > 0.5)
    if not len(usable) or not wanted.any():
        return places

    def of(one: Plate, rows: Array) -> torch.Tensor:
        parts = (one.before * _COLOUR**0.5, one.guides * _GUIDE**0.5)
        return torch.from_numpy(np.concatenate([p[rows[:, 0], rows[:, 1]] for p in parts], 1))

    bank, asked = of(example, usable), np.argwhere(wanted)
    found = [torch.cdist(part, bank).argmin(1) for part in of(plate, asked).split(1024)]
    places[asked[:, 0], asked[:, 1]] = usable[torch.cat(found).numpy()]
    return places


def _doubled(places: Array, example: Plate, wanted: Array) -> Array:
    """The places at twice the size, kept inside the example."""
    fine = places.repeat(2, 0).repeat(2, 1)[: wanted.shape[0], : wanted.shape[1]] * 2
    rows, columns = np.indices(wanted.shape)
    fine[..., 0] += rows % 2
    fine[..., 1] += columns % 2
    return np.minimum(fine, np.array(example.usable.shape, np.int32) - 1).astype(np.int32)


@kernel(fastmath=True)
def _distance(y, x, v, u, most, example, mine):  # type: ignore[no-untyped-def]
    """How different the patches around (y, x) here and (v, u) in the example are; infinite if above `most`."""
    usable, before, after, guides = example
    own, own_before, own_after, own_guides = mine
    total = np.float32(0)
    for g in range(guides.shape[2]):
        step = guides[v, u, g] - own_guides[y, x, g]
        total += step * step
    total *= np.float32(_GUIDE)
    if total > most or not usable[v, u]:
        return np.float32(np.inf)
    count, inner = 0, np.float32(0)
    for dy in range(-_RADIUS, _RADIUS + 1):
        for dx in range(-_RADIUS, _RADIUS + 1):
            a, b, c, d = y + dy, x + dx, v + dy, u + dx
            if a < 0 or b < 0 or a >= own.shape[0] or b >= own.shape[1] or not own[a, b]:
                continue
            count += 1
            if c < 0 or d < 0 or c >= usable.shape[0] or d >= usable.shape[1] or not usable[c, d]:
                inner += np.float32(_OUTSIDE)
                continue
            for k in range(3):
                step = before[c, d, k] - own_before[a, b, k]
                inner += np.float32(_COLOUR) * step * step
                step = after[c, d, k] - own_after[a, b, k]
                inner += np.float32(_PAINT) * step * step
        if total + inner / np.float32((2 * _RADIUS + 1) ** 2) > most:
            return np.float32(np.inf)
    return total + inner / np.float32(max(count, 1))


@kernel()
def _drawn(state, reach):  # type: ignore[no-untyped-def]
    """A number from -reach to reach by xorshift (Marsaglia 2003), whose state (1,) uint32 moves on."""
    value = state[0]
    value ^= value << np.uint32(13)
    value ^= value >> np.uint32(17)
    value ^= value << np.uint32(5)
    state[0] = value
    return int(value % np.uint32(2 * reach + 1)) - reach


@kernel(fastmath=True)
def _improve(pixel, step, places, wanted, costs, pair, state):  # type: ignore[no-untyped-def]
    """Take a better place for a pixel (y, x): those of its neighbours, continued, and random ones nearer and nearer."""
    y, x = pixel
    (best, used, even), (example, mine) = costs, pair
    tall, wide = example[0].shape
    v, u = places[y, x]
    limit = np.float32(_USE * _MOST_USE)
    now = best[y, x] + min(used[v, u], limit)
    reach, turn = max(tall, wide) // 2, 0
    while reach >= 1:
        if turn < 2:
            a, b = (y - step, x) if turn == 0 else (y, x - step)
            turn += 1
            if a < 0 or b < 0 or a >= wanted.shape[0] or b >= wanted.shape[1] or not wanted[a, b]:
                continue
            c, d = places[a, b, 0] + y - a, places[a, b, 1] + x - b
        else:
            c, d = v + _drawn(state, reach), u + _drawn(state, reach)
            reach //= 3
        if c < 0 or d < 0 or c >= tall or d >= wide or (c == v and d == u):
            continue
        extra = min(used[c, d] + even, limit)
        if extra >= now:
            continue
        found = _distance(y, x, c, d, now - extra, example, mine)
        if found + extra < now:
            used[v, u] -= even
            used[c, d] += even
            best[y, x], now, v, u = found, found + extra, c, d
    places[y, x, 0], places[y, x, 1] = v, u


@kernel(fastmath=True)
def _search(places, wanted, example, mine, seed):  # type: ignore[no-untyped-def]
    """PatchMatch: better places (h, w, 2), in place. `example` and `mine`: mask, before, after, guides."""
    height, width = wanted.shape
    state = np.full(1, 2654435769, np.uint32)
    state[0] ^= np.uint32(seed)
    best = np.full((height, width), np.inf, np.float32)
    used = np.zeros(example[0].shape, np.float32)
    even = np.float32(_USE * max(example[0].sum(), 1) / max(wanted.sum(), 1))
    for y in range(height):
        for x in range(width):
            if wanted[y, x]:
                v, u = places[y, x]
                used[v, u] += even
                best[y, x] = _distance(y, x, v, u, np.inf, example, mine)
    for sweep in range(_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        for i in range(height):
            y = i if step == 1 else height - 1 - i
            for j in range(width):
                x = j if step == 1 else width - 1 - j
                if wanted[y, x]:
                    _improve((y, x), step, places, wanted, (best, used, even), (example, mine), state)


@kernel(fastmath=True)
def _vote(places, wanted, example, gain, mine, fall):  # type: ignore[no-untyped-def]
    """The wanted pixels of what is painted here (h, w, 3), in place: the mean of what all patches over them say.

    `fall` is how fast votes fall off with the squared distance from a patch's centre.
    """
    usable, before, after, _ = example
    _, own_before, painted, _ = mine
    height, width = wanted.shape
    total = np.zeros((height, width, 3), np.float32)
    weights = np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            if not wanted[y, x]:
                continue
            for dy in range(-_RADIUS, _RADIUS + 1):
                for dx in range(-_RADIUS, _RADIUS + 1):
                    a, b, v, u = y + dy, x + dx, places[y, x, 0] + dy, places[y, x, 1] + dx
                    if a < 0 or b < 0 or a >= height or b >= width or not wanted[a, b]:
                        continue
                    if v < 0 or u < 0 or v >= usable.shape[0] or u >= usable.shape[1] or not usable[v, u]:
                        continue
                    weight = np.float32(np.exp(-(dy * dy + dx * dx) * fall))
                    weights[a, b] += weight
                    for k in range(3):
                        kept = gain[v, u] * (own_before[a, b, k] - before[v, u, k])
                        total[a, b, k] += weight * (after[v, u, k] + kept)
    for y in range(height):
        for x in range(width):
            if weights[y, x] > 0:
                for k in range(3):
                    painted[y, x, k] = total[y, x, k] / weights[y, x]
