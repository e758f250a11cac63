"""`pointillism`: a river in the late afternoon, in layers of dots of divided, complementary colour."""

from __future__ import annotations

import brushes as b
import fields as f
import numpy as np

H, W = 768, 1024
SKY = f.hexes("3f66b0 6f9bd0 a3c8d8 ecdcae f4b878 ea8560")
HILL = f.hexes("4a4f8c 6c74a8 8f8fb4 b7a3a8")
LEAF = f.hexes("15323f 1f5a4a 3f8148 86a83e d3c44a f0dd7a")
GRASS = f.hexes("2a4a6e 2f6b58 5c9448 a7b547 e8cf5a f6e58f")
ALL = f.hexes("2b3f86 4f78b8 8fb7d6 1f5a4a 4f8f4a a7b547 f3d766 f4a33f df6238 b03a55 7a4a8f f6ecc8")
ACCENT = f.hexes("e8743a d94f5c 5a4aa0 2f7fae f4c542")


def crowns(rng: np.random.Generator, x: f.Array, y: f.Array, blobs: list[tuple[float, ...]]) -> f.Array:
    """Soft union of ragged ellipses (cx, cy, rx, ry): above 0 inside, about 1 at the centre."""
    ragged = f.noise(rng, H, W, 46, 4) - 0.5
    best = np.full(x.shape, -1.0, np.float32)
    for cx, cy, rx, ry in blobs:
        best = np.maximum(best, 1.0 - np.hypot((x - cx) / rx, (y - cy) / ry))
    return best + 0.55 * ragged


def triangle(x: f.Array, y: f.Array, corners: tuple[tuple[float, float], ...]) -> f.Array:
    """True inside a triangle given clockwise as seen on the picture."""
    inside = np.ones(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
    return inside


def far(rng: np.random.Generator, x: f.Array, y: f.Array) -> f.Array:
    """Sky, hills and poplars of the other shore, down to the water line and below (for the mirror image)."""
    cloud = f.noise(rng, H, W, 90, 4, 2.6)
    colour = f.ramp(np.clip(y / 0.40 + 0.16 * (cloud - 0.5), 0, 1), SKY)
    colour = f.over(
        colour, 0.6 * f.smoothstep(0.60, 0.85, cloud) * f.smoothstep(0.4, 0.1, y), f.hexes("f6e3c8")[0]
    )
    sun = np.hypot(x - 0.60, y - 0.29)
    colour = f.over(colour, 0.8 * np.exp(-((sun / 0.085) ** 2)), f.hexes("f9cf60")[0])
    colour = f.over(colour, f.smoothstep(0.044, 0.040, sun), f.hexes("fff8d0")[0])
    ridge = 0.335 - 0.035 * np.sin(7 * x + 1) - 0.015 * np.sin(19 * x)
    hill = f.ramp(np.clip(0.2 + (y - ridge) * 7 + 0.3 * (f.noise(rng, H, W, 40, 3) - 0.5), 0, 1), HILL)
    colour = f.over(colour, f.smoothstep(0, 0.004, y - ridge), hill)
    blobs = [
        (cx, 0.40 - ry, 0.021, ry)
        for cx, ry in zip(
            (0.73, 0.78, 0.825, 0.88, 0.93, 0.985), (0.10, 0.14, 0.17, 0.15, 0.18, 0.15), strict=True
        )
    ]
    blobs += [(cx, 0.385, 0.05, 0.030) for cx in (0.30, 0.37, 0.45, 0.52, 0.66, 0.75, 0.85, 0.95)]
    mass = crowns(rng, x, y, blobs)
    tone = 0.36 + 0.55 * (f.noise(rng, H, W, 26, 3) - 0.4) - 3.2 * (x % 0.05 - 0.02) * (y < 0.35)
    return f.over(colour, f.smoothstep(-0.02, 0.06, mass), f.ramp(np.clip(tone, 0, 1), LEAF))


def scene(rng: np.random.Generator) -> f.Array:
    """The underpainting."""
    x, y = f.grid(H, W)
    land = far(rng, x, y)
    shore = 0.405
    rows = np.clip((2 * shore - y) * 1024, 0, H - 1)
    ripple = f.noise(rng, H, W, 12, 4, 7.0) - 0.5
    mirror = f.sample(land, x * 1024 + 22 * ripple, rows + 50 * ripple)
    water = mirror * f.hexes("d8e4f4")[0]
    water = f.over(water, 0.8 * f.smoothstep(0.02, 0.2, -ripple), f.hexes("3f4f98")[0])
    glint = np.exp(-(((x - 0.60) / (0.02 + 0.16 * (y - shore))) ** 2)) * (ripple > 0.03)
    water = f.over(water, 0.85 * glint, f.hexes("fbe08a")[0])
    colour = f.over(land, f.smoothstep(0, 0.004, y - shore), water)
    for cx, base, size, tint in (
        (0.42, 0.455, 0.12, "f8ead0"),
        (0.50, 0.43, 0.07, "f1b070"),
        (0.885, 0.475, 0.10, "f6e2c0"),
    ):
        for s, side in ((1.0, 1), (0.75, -1)):
            tip, foot = (cx, base - size * s), (cx + side * 0.42 * size * s, base - 0.06 * size)
            corners = (tip, foot, (cx, foot[1])) if side > 0 else (tip, (cx, foot[1]), foot)
            sail = triangle(x, y, corners)
            colour[sail] = f.hexes(tint)[0] * (1.0 if side > 0 else 0.72) + (0 if side > 0 else 0.06)
        hull = (
            (np.abs(x - cx) < 0.42 * size - (y - base) * 1.2)
            & (y > base - 0.05 * size)
            & (y < base + 0.10 * size)
        )
        colour[hull] = f.hexes("6a3352")[0]
    return near(rng, x, y, colour)


def near(rng: np.random.Generator, x: f.Array, y: f.Array, colour: f.Array) -> f.Array:
    """The near bank with its shadows, two walkers, and the tree that frames the view."""
    bank = 0.60 - 0.10 * f.smoothstep(0.62, 0.0, x) + 0.035 * np.sin(6 * x)
    patch = f.noise(rng, H, W, 70, 4, 2.6)
    tone = 0.62 + 0.45 * (patch - 0.5) - 0.30 * f.smoothstep(0.60, 0.75, y)
    for cx, cy, rx, ry in (
        (0.20, 0.665, 0.24, 0.035),
        (0.79, 0.722, 0.12, 0.014),
        (0.67, 0.708, 0.08, 0.012),
    ):
        tone -= 0.62 * f.smoothstep(1.1, 0.8, np.hypot((x - cx) / rx, (y - cy) / ry) + 0.35 * (patch - 0.5))
    colour = f.over(colour, f.smoothstep(0, 0.006, y - bank), f.ramp(np.clip(tone, 0, 1), GRASS))
    bloom = (f.noise(rng, H, W, 9, 2) > 0.80) & (y > bank + 0.02) & (patch > 0.55)
    colour[bloom] = f.hexes("e8604f")[0]
    for cx, foot, tall, dress, shade in (
        (0.74, 0.725, 0.235, "2f3580", "e8743a"),
        (0.625, 0.71, 0.21, "b03050", "f6e3a0"),
    ):
        t = (y - (foot - tall)) / tall
        width = tall * (
            0.045 + 0.19 * np.clip(t - 0.28, 0, 1) ** 0.8 - 0.05 * f.smoothstep(0.34, 0.46, t) * (t < 0.5)
        )
        body = (np.abs(x - cx) < width) & (t > 0.22) & (t < 1)
        colour[body] = f.hexes(dress)[0]
        colour[body & (x - cx > width * 0.25)] = f.hexes(dress)[0] * 0.6 + 0.12
        colour[np.hypot(x - cx, y - (foot - tall * 0.84)) < 0.085 * tall] = f.hexes("d89a78")[0]
        dome = (np.hypot((x - cx - 0.01) / 0.36, (y - foot + tall * 0.88) / 0.30) < tall) & (
            y < foot - tall * 0.88
        )
        colour[dome] = f.hexes(shade)[0]
        colour[dome & (x < cx - 0.01)] *= 0.78
    bend = 0.125 + 0.035 * np.sin(5 * y + 0.6)
    trunk = np.abs(x - bend) < 0.026 + 0.05 * f.smoothstep(0.58, 0.68, y) + 0.02 * f.smoothstep(0.3, 0.1, y)
    bark = f.ramp(
        np.clip((x - bend) / 0.07 + 0.45 + 0.3 * (patch - 0.5), 0, 1), f.hexes("2c2350 4f3158 8a4a4a d08a52")
    )
    colour = f.over(colour, (trunk & (y < 0.665)).astype(np.float32), bark)
    blobs = [
        (0.02, 0.05, 0.26, 0.19),
        (0.22, 0.04, 0.20, 0.15),
        (0.10, 0.19, 0.16, 0.10),
        (0.36, 0.0, 0.14, 0.10),
    ]
    mass = crowns(rng, x, y, blobs)
    tone = 0.30 + 0.75 * (f.noise(rng, H, W, 60, 4) - 0.42) + 0.35 * (x - 0.12)
    return f.over(colour, f.smoothstep(0.0, 0.05, mass), f.ramp(np.clip(tone, 0, 1), LEAF))


def coat(
    canvas: b.Canvas,
    rng: np.random.Generator,
    colour: f.Array,
    points: f.Array,
    width: float,
    odds: float,
    pull: float,
) -> None:
    """One coat of dots: each near its own colour, or with `odds` near the complement."""
    n = len(points)
    base = b.towards(rng, b.pick(f.blur(colour, 1.2), points), ALL, pull, 0.15)
    grey = base.mean(1, keepdims=True)
    strange = b.towards(rng, np.clip(grey + (grey - base) * 0.9 + 0.08, 0, 1), ACCENT, 0.55, 0.25)
    base = np.where(rng.random((n, 1)) < odds, 0.35 * base + 0.65 * strange, base)
    left = b.vary(rng, np.clip(grey + (base - grey) * 1.18, 0, 1), 0.13, 0.02)
    turn = rng.uniform(-0.5, 0.5, n)
    step = np.stack([np.cos(turn), np.sin(turn)], -1) * rng.uniform(0.5, 2.0, (n, 1))
    paths = np.stack([points - step, points + step], 1)
    dot = b.Brush(bristle=2.6, streak=0.10, ragged=0.30, dry=0.0, load=0.9, taper=0.1)
    b.lay(canvas, rng, paths, width * rng.uniform(0.8, 1.15, n), (left, left * 1.06), dot)


def paint(seed: int = 3) -> f.Array:
    """The finished picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    colour = scene(rng)
    canvas = b.Canvas.toned(f.blur(colour, 6) * 0.85 + 0.04)
    for gap, width, odds in ((11.5, 17, 0.10), (9.0, 12.0, 0.16), (8.0, 8.5, 0.22)):
        coat(canvas, rng, colour, b.scatter(rng, H, W, gap), width, odds, 0.45)
    dy, dx = np.gradient(f.blur(colour.mean(-1), 2.5))
    contour = f.blur(np.clip(np.hypot(dx, dy) * 60, 0, 1), 3)
    points = b.scatter(rng, H, W, 6.0)
    points = points[b.pick(contour, points) > 0.35]
    coat(canvas, rng, colour, points, 7.5, 0.06, 0.30)
    return b.lit(canvas, 0.5, 0.08)
