"""`autumn_impasto`: a wet avenue in autumn, laid on with a palette knife."""

from __future__ import annotations

import brushes as b
import fields as f
import numpy as np

H, W = 768, 1024
FIRE = f.hexes("3a1020 7a1a22 b5301f dd5a1a f08a1d f6b73c fbe08a")
TEAL = f.hexes("0b1f2e 0f3d4c 1b6670 3f949a 8cc4bd dfe9cf")
EARTH = f.hexes("1a1220 3b2230 6a3a38 a5613f d9a066")
ALL = np.concatenate([FIRE, TEAL, EARTH[1:4]])
EYE = (0.535, 0.395)


def scene(rng: np.random.Generator) -> tuple[f.Array, f.Array]:
    """Underpainting and knife directions."""
    x, y = f.grid(H, W)
    dx, dy = x - EYE[0], y - EYE[1]
    r = np.hypot(dx, dy * 1.25)
    rough = f.noise(rng, H, W, 70, 4)
    fine = f.noise(rng, H, W, 34, 3)
    light = np.clip(1.05 - r / 0.24 + 0.35 * (rough - 0.5), 0, 1)
    colour = f.ramp(light, TEAL)
    angle = 0.5 + 1.1 * (f.noise(rng, H, W, 150, 2) - 0.5)
    crown = 0.13 + 0.10 * np.abs(dx) + 0.20 * (rough - 0.5)
    leaf = f.smoothstep(-0.02, 0.04, r - crown - 0.3 * np.clip(dy, 0, 1)) * (y < 0.50)
    warm = np.clip(0.80 - 1.05 * (r - 0.14) + 0.85 * (fine - 0.5) + 0.25 * (rough - 0.5), 0, 1)
    colour = f.over(colour, leaf, f.ramp(warm, FIRE))
    cool = leaf * f.smoothstep(0.66, 0.80, f.noise(rng, H, W, 60, 3))
    colour = f.over(colour, 0.9 * cool, f.ramp(np.clip(warm * 0.75, 0, 1), TEAL))
    angle = np.where(leaf > 0.5, np.arctan2(dy, dx) + np.pi / 2 + 1.6 * (fine - 0.5), angle)

    ground = f.smoothstep(0.0, 0.006, y - 0.455 - 0.10 * np.abs(dx) ** 1.5)
    tone = np.clip(0.50 + 0.9 * (fine - 0.5) - 0.25 * f.smoothstep(0.5, 0.75, y), 0, 1)
    colour = f.over(colour, ground, f.ramp(tone, FIRE))
    angle = np.where(ground > 0.5, 0.15 + 0.4 * np.sign(dx) * (y - 0.4), angle)

    half = 0.020 + 0.80 * np.clip(y - 0.455, 0, 1)
    road = f.smoothstep(0.012, -0.012, np.abs(dx + 0.14 * (y - 0.455)) - half + 0.02 * (rough - 0.5)) * (
        y > 0.455
    )
    up = np.clip((0.91 - y) * 1024 + 60 * (fine - 0.5), 0, H - 1)
    mirror = f.sample(f.blur(colour, 4), x * 1024 + 40 * (rough - 0.5), up)
    gleam = np.exp(-(((dx + 0.14 * (y - 0.455)) / (0.05 + 0.30 * np.clip(y - 0.455, 0, 1))) ** 2))
    wet = f.ramp(np.clip(0.18 + 0.72 * gleam + 0.55 * (f.noise(rng, H, W, 18, 3, 3.0) - 0.5), 0, 1), TEAL)
    colour = f.over(colour, road, 0.45 * mirror + 0.55 * wet)
    shade = (np.floor(np.log(np.maximum(y - 0.44, 0.016)) * 4.2 + 0.35 * dx) % 2 == 0) * road
    colour = f.over(colour, 0.35 * shade, TEAL[1])
    return colour, np.where(road > 0.5, 0.06 * np.sign(dx), angle)


def knife(
    canvas: b.Canvas, rng: np.random.Generator, colour: f.Array, angle: f.Array, size: float, gap: float
) -> None:
    """One coat of flat, hard-edged strokes with two colours on the blade."""
    points = b.scatter(rng, H, W, gap)
    n = len(points)
    turned = b.pick(np.stack([np.cos(2 * angle), np.sin(2 * angle)], -1), points)
    way = np.arctan2(turned[:, 1], turned[:, 0]) / 2 + rng.normal(0, 0.28, n)
    long = size * rng.uniform(1.1, 2.2, n)
    bow = rng.normal(0, 0.10, n)
    s = np.linspace(-0.5, 0.5, 4)
    along, across = s[None] * long[:, None], (s[None] ** 2) * (bow * long)[:, None]
    cos, sin = np.cos(way)[:, None], np.sin(way)[:, None]
    paths = points[:, None] + np.stack([along * cos - across * sin, along * sin + across * cos], -1)
    base = b.pick(f.blur(colour, size / 9), points)
    left = b.vary(rng, b.towards(rng, base, ALL, 0.6, 0.13), 0.08, 0.012)
    right = b.vary(rng, b.towards(rng, base, ALL, 0.6, 0.20), 0.08, 0.012)
    blade = b.Brush(bristle=3.2, streak=0.13, ragged=0.32, dry=0.42, flat=True, load=1.5, taper=0.0)
    b.lay(canvas, rng, paths, size * rng.uniform(0.6, 1.1, n), (left, right), blade)


def trunks(canvas: b.Canvas, rng: np.random.Generator) -> None:
    """Two rows of trunks in perspective, each from stacked knife marks, dark to the outside and lit within."""
    for far in (0.08, 0.13, 0.21, 0.34, 0.56):
        for side in (-1, 1):
            foot_x = (EYE[0] + side * 0.74 * far - 0.05 * far) * 1024 + rng.normal(0, 8)
            foot_y = (0.452 + 0.36 * far) * 1024
            tall, wide = 1250 * far + 70, 92 * far + 8
            t = np.linspace(0, 1, 12)
            lean = rng.normal(0, 0.05) - side * 0.05
            line = np.stack(
                [foot_x + lean * tall * t + 0.25 * wide * np.sin(5 * t + far * 9), foot_y - tall * t], -1
            )
            dabs, widths, inks = [], [], []
            for _ in range(int(30 + 110 * far)):
                at = line[int(rng.integers(0, 11))] + rng.normal(0, 1, 2)
                across = rng.uniform(-0.42, 0.42)
                reach = rng.uniform(0.8, 1.9) * wide + 8
                start = at + np.array([across * wide, 0])
                dabs.append(
                    np.stack([start + np.array([lean, -1.0]) * reach * q for q in (-0.3, 0.3, 0.7, 1.0)])
                )
                widths.append(wide * rng.uniform(0.34, 0.6))
                lit = np.clip(0.38 - side * across * 0.9 + rng.normal(0, 0.16), 0, 1)
                inks.append(f.ramp(np.array(lit), EARTH if rng.random() < 0.7 else TEAL[:4]))
            for _ in range(7):
                k = int(rng.integers(5, 12))
                reach = tall * rng.uniform(0.12, 0.36)
                away = rng.choice([-1.0, 1.0]) * rng.uniform(0.3, 0.9)
                q = np.linspace(0, 1, 4)[:, None]
                curl = np.array([rng.normal(0, 0.3), -0.35]) * reach
                dabs.append(line[k] + np.array([away, -0.6]) * reach * q + curl * q**2)
                widths.append((0.12 * wide + 2) * rng.uniform(0.7, 1.3))
                inks.append(EARTH[int(rng.integers(0, 2))])
            ink = np.array(inks)
            blade = b.Brush(bristle=3.0, streak=0.2, ragged=0.4, dry=0.4, flat=True, load=1.6, taper=0.3)
            pair = (ink, b.vary(rng, ink * 1.25, 0.15, 0.02))
            b.lay(canvas, rng, np.array(dabs), np.array(widths), pair, blade)


def leaves(canvas: b.Canvas, rng: np.random.Generator) -> None:
    """Loose bright touches: leaves in the air over the trunks, and fallen ones on the ground."""
    n = 1500
    points = rng.uniform(0, 1, (n, 2)) * [W, H]
    y = points[:, 1] / 1024
    keep = ((y < 0.30) & (np.abs(points[:, 0] / 1024 - EYE[0]) > 0.14)) | (
        (y > 0.50) & (rng.random(n) < 0.55)
    )
    points = points[keep]
    n = len(points)
    way = rng.uniform(0, np.pi, n)
    size = rng.uniform(5, 13, n)
    step = np.stack([np.cos(way), np.sin(way) * 0.7], -1) * size[:, None]
    step *= rng.uniform(0.5, 1.3, (n, 1))
    paths = np.stack([points - step, points + step[:, ::-1] * [0.15, -0.15], points + step], 1)
    ink = FIRE[rng.choice([2, 3, 4, 5, 6], n, p=[0.22, 0.28, 0.27, 0.18, 0.05])]
    blade = b.Brush(bristle=3.0, ragged=0.4, dry=0.2, flat=True, load=2.0, taper=0.2)
    b.lay(canvas, rng, paths, size, (b.vary(rng, ink, 0.1, 0.02), b.vary(rng, ink * 1.2, 0.1, 0.02)), blade)


def paint(seed: int = 8) -> f.Array:
    """The finished picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    colour, angle = scene(rng)
    canvas = b.Canvas.toned(f.blur(colour, 8) * 0.7)
    knife(canvas, rng, colour, angle, 50, 32)
    knife(canvas, rng, colour, angle, 30, 19)
    small = f.smoothstep(0.40, 0.55, f.noise(rng, H, W, 120, 2))[..., None]
    knife(canvas, rng, colour * small + canvas.rgb * (1 - small), angle, 19, 23)
    trunks(canvas, rng)
    leaves(canvas, rng)
    return b.lit(canvas, 0.9, 0.22)
