"""A small painting engine: brush strokes with bristles and relief, laid one over another.

A stroke is a polyline with a width and two colours (the brush's two sides). Each pixel it touches is given
by its place along and across the stroke; bristles are noise in those coordinates, so streaks follow curves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from fields import Array, blur, sample


@dataclass
class Canvas:
    """Paint on a support: `rgb` (h, w, 3) in [0, 1] and the paint's thickness `height` (h, w)."""

    rgb: Array
    height: Array

    @classmethod
    def toned(cls, rgb: Array) -> Canvas:
        """A flat canvas that carries the underpainting `rgb`."""
        return cls(rgb.astype(np.float32).copy(), np.zeros(rgb.shape[:2], np.float32))


@dataclass(frozen=True)
class Brush:
    """How a stroke looks, apart from its path, width and colours."""

    bristle: float = 2.2
    """Width of a bristle track in pixels."""
    streak: float = 0.16
    """Light and dark variation between tracks."""
    ragged: float = 0.25
    """How far bristles stray at the edge, as a part of the half width."""
    dry: float = 0.5
    """How much the tracks break up towards the end, 0 to 1."""
    flat: bool = False
    """Square ends (a knife or a flat brush) in place of round ones."""
    opacity: float = 1.0
    load: float = 1.0
    """Thickness of the paint."""
    taper: float = 0.5
    """How much narrower the end is than the middle."""


@numba.njit(cache=True)
def _hash(a, b, c):
    """Pseudo-random number in [0, 1) of three integers."""
    n = (a * 73856093) ^ (b * 19349663) ^ (c * 83492791)
    n = (n ^ (n >> 13)) * 1274126177 & 0x7FFFFFFF
    n = (n ^ (n >> 15)) * 1103515245 & 0x7FFFFFFF
    return ((n ^ (n >> 11)) & 0xFFFFFF) / 16777216.0


@numba.njit(cache=True)
def _value(u, v, seed):
    """Value noise in [0, 1] at (u, v)."""
    iu, iv = int(np.floor(u)), int(np.floor(v))
    fu, fv = u - iu, v - iv
    fu, fv = fu * fu * (3 - 2 * fu), fv * fv * (3 - 2 * fv)
    a = _hash(iu, iv, seed) * (1 - fu) + _hash(iu + 1, iv, seed) * fu
    b = _hash(iu, iv + 1, seed) * (1 - fu) + _hash(iu + 1, iv + 1, seed) * fu
    return a * (1 - fv) + b * fv


@numba.njit(cache=True)
def _nearest(path, px, py):
    """Signed distance to a polyline, length along it, and overshoot beyond its ends."""
    best, side, along, beyond, run = 1e18, 1.0, 0.0, 0.0, 0.0
    last = path.shape[0] - 2
    for k in range(last + 1):
        ax, ay = path[k, 0], path[k, 1]
        dx, dy = path[k + 1, 0] - ax, path[k + 1, 1] - ay
        length = np.sqrt(dx * dx + dy * dy) + 1e-9
        dx, dy = dx / length, dy / length
        t = (px - ax) * dx + (py - ay) * dy
        c = min(max(t, 0.0), length)
        qx, qy = px - ax - c * dx, py - ay - c * dy
        d = qx * qx + qy * qy
        if d < best:
            best, along, beyond = d, run + c, 0.0
            side = 1.0 if dx * qy - dy * qx >= 0 else -1.0
            if (k == 0 and t < 0) or (k == last and t > length):
                beyond = abs(t - c)
        run += length
    return side * np.sqrt(best), along, beyond, run


@numba.njit(cache=True)
def _lay(rgb, height, paths, counts, widths, first, second, seeds, knobs):
    bristle, streak, ragged, dry, flat, opacity, load, taper = knobs
    h, w = height.shape
    for s in range(len(paths)):
        path, half, seed = paths[s, : counts[s]], widths[s] * 0.5, seeds[s]
        reach = half * (1.0 + ragged) + 1.5
        x0 = max(0, int(path[:, 0].min() - reach))
        x1 = min(w, int(path[:, 0].max() + reach) + 1)
        y0 = max(0, int(path[:, 1].min() - reach))
        y1 = min(h, int(path[:, 1].max() + reach) + 1)
        for j in range(y0, y1):
            for i in range(x0, x1):
                d, along, beyond, run = _nearest(path, i + 0.5, j + 0.5)
                if abs(d) > reach or (flat > 0 and beyond > 1.5):
                    continue
                t = along / max(run, 1e-6)
                size = half * (1.0 - taper * max(0.0, (t - 0.5) * 2.0) ** 2)
                fine = _value(d / bristle, along / (bristle * 14.0), seed)
                wide = _value(d / (bristle * 3.1), along / (bristle * 30.0), seed + 7)
                track = 0.6 * fine + 0.4 * wide
                inside = size * (1.0 + ragged * (track - 0.7)) - abs(d)
                if flat > 0:
                    inside = min(inside, 1.0 - beyond + (track - 0.5) * ragged * half * 2 * (t > 0.5))
                    inside = min(inside, (run - along) - (1 - track) * ragged * half * 1.5 + 1.0)
                alpha = min(max(inside * 0.8 + 0.3, 0.0), 1.0)
                wear = dry * max(0.0, (t - 0.35) / 0.65) * 0.95
                alpha *= min(max((fine * 0.75 + wide * 0.25 - wear * 0.8) * 7.0 + 0.6, 0.0), 1.0) * opacity
                if alpha <= 0.003:
                    continue
                v = d / max(half, 1e-6)
                mix = min(max(0.5 + 0.55 * v + (wide - 0.5) * 1.6, 0.0), 1.0)
                tone = 1.0 + streak * (track - 0.5) * 2.0
                for c in range(3):
                    ink = (first[s, c] * (1 - mix) + second[s, c] * mix) * tone
                    rgb[j, i, c] += (ink - rgb[j, i, c]) * alpha
                ridge = max(0.0, 1.0 - abs(abs(v) - 0.8) * 4.0) * 0.45 + max(0.0, t - 0.8) * 1.5
                thick = load * (0.35 + track * 0.9 + ridge)
                height[j, i] += (height[j, i] * 0.25 + thick - height[j, i]) * alpha


def lay(
    canvas: Canvas,
    rng: np.random.Generator,
    paths: Array,
    widths: Array,
    colours: tuple[Array, Array],
    brush: Brush,
    counts: Array | None = None,
) -> None:
    """Lay strokes on `canvas`, in order.

    `paths` (n, k, 2) in pixels, of which the first `counts` points are used; `widths` (n,) in pixels;
    `colours` the two (n, 3) arrays of the brush's left and right side.
    """
    n, k = paths.shape[:2]
    knobs = (brush.bristle, brush.streak, brush.ragged, brush.dry, float(brush.flat))
    knobs += (brush.opacity, brush.load, brush.taper)
    _lay(
        canvas.rgb,
        canvas.height,
        np.ascontiguousarray(paths, np.float64),
        np.full(n, k) if counts is None else counts.astype(np.int64),
        np.broadcast_to(np.asarray(widths, np.float64), (n,)).copy(),
        np.ascontiguousarray(colours[0], np.float64),
        np.ascontiguousarray(colours[1], np.float64),
        rng.integers(1, 1 << 20, n),
        knobs,
    )


def scatter(rng: np.random.Generator, h: int, w: int, spacing: float) -> Array:
    """Points (n, 2), one in each cell of a jittered grid with margin, in random order."""
    y, x = np.mgrid[-spacing : h + spacing : spacing, -spacing : w + spacing : spacing]
    points = np.stack([x.ravel(), y.ravel()], -1)
    points = points + rng.random(points.shape) * spacing
    return rng.permutation(points)


def trace(points: Array, angle: Array, length: Array | float, steps: int = 9) -> Array:
    """Paths (n, steps, 2) of `length` pixels that follow the direction field `angle` (h, w), centred on `points`."""
    n = len(points)
    half = steps // 2
    stride = (np.broadcast_to(length, (n,)) / (steps - 1))[:, None]
    flow = np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)
    path = np.zeros((n, steps, 2))
    path[:, half] = points
    for sign, order in ((1.0, range(half + 1, steps)), (-1.0, range(half - 1, -1, -1))):
        at = points.astype(np.float64)
        for k in order:
            way = sample(flow, at[:, 0], at[:, 1])
            at = at + sign * stride * way / (np.linalg.norm(way, axis=1, keepdims=True) + 1e-6)
            path[:, k] = at
    return path


def pick(image: Array, points: Array) -> Array:
    """Colours or values of `image` at `points` (n, 2), in pixels."""
    return sample(image, points[:, 0], points[:, 1])


def vary(rng: np.random.Generator, colours: Array, value: float, hue: float) -> Array:
    """`colours` (n, 3) with lightness scattered by `value` and channels by `hue` (standard deviations)."""
    n = len(colours)
    scale = 1.0 + value * rng.standard_normal((n, 1))
    return np.clip(colours * scale + hue * rng.standard_normal((n, 3)), 0.01, 0.99)


def towards(rng: np.random.Generator, colours: Array, palette: Array, amount: float, spread: float) -> Array:
    """`colours` pulled by `amount` to a palette colour, drawn with odds that fall off over `spread` in RGB."""
    apart = ((colours[:, None] - palette[None]) ** 2).sum(-1)
    odds = np.exp(-apart / (2 * spread**2) + apart.min(1, keepdims=True) / (2 * spread**2))
    odds = np.cumsum(odds / odds.sum(1, keepdims=True), 1)
    chosen = (rng.random((len(colours), 1)) > odds).sum(1).clip(0, len(palette) - 1)
    return colours + (palette[chosen] - colours) * amount


def lit(canvas: Canvas, depth: float = 1.0, gloss: float = 0.25) -> Array:
    """The canvas as a picture (h, w, 3): its relief lit from the upper left, with a slight varnish."""
    relief = blur(canvas.height, 0.7)
    dy, dx = np.gradient(relief)
    slope = depth * (dx + dy)
    shade = 1.0 + 0.55 * np.tanh(slope * 1.3)
    shine = gloss * np.clip(np.tanh(slope * 1.3) - 0.35, 0, 1) ** 1.5
    return np.clip(canvas.rgb * shade[..., None] + shine[..., None], 0, 1)


@numba.njit(cache=True)
def lic(texture, angle, reach):
    """Line-integral convolution: `texture` (h, w) averaged over `reach` pixels both ways along `angle`."""
    h, w = texture.shape
    out = np.zeros((h, w), np.float32)
    for j in range(h):
        for i in range(w):
            total, count = 0.0, 0
            for sign in (-1.0, 1.0):
                x, y = i + 0.5, j + 0.5
                for _ in range(reach):
                    if x < 0 or y < 0 or x >= w or y >= h:
                        break
                    total += texture[int(y), int(x)]
                    count += 1
                    a = angle[int(y), int(x)]
                    x += sign * np.cos(a)
                    y += sign * np.sin(a)
            out[j, i] = total / max(count, 1)
    return out
