"""`swirls`: a windy night over a bay, in thick strokes that follow a field of vortices."""

from __future__ import annotations

import brushes as b
import fields as f
import numpy as np

H, W = 800, 1024
SKY = f.hexes("0b1433 122457 1d3f86 2f66ad 5b93c4 9cc0cf d9dcb4")
GLOW = f.hexes("3d78b4 86b0b8 d8cf8e f2c94f f6b02c fbe9a4")
LAND = f.hexes("0a1526 12303a 1d4a4a 35705a 6f9a62 b9b65a")
BARK = f.hexes("0b0d1c 1a1a33 2b2a3f 5a3b2c 8f5f2e")
# Lights: x, y, core radius, spin, reach of the vortex (long sides).
LIGHTS = (
    (0.80, 0.15, 0.044, 1, 0.17),
    (0.42, 0.27, 0.030, -1, 0.17),
    (0.14, 0.12, 0.024, 1, 0.09),
    (0.58, 0.09, 0.016, 1, 0.07),
    (0.27, 0.06, 0.012, -1, 0.05),
    (0.93, 0.36, 0.016, -1, 0.07),
    (0.66, 0.34, 0.014, 1, 0.07),
    (0.12, 0.35, 0.017, -1, 0.09),
)


def sky(rng: np.random.Generator, x: f.Array, y: f.Array) -> tuple[f.Array, f.Array]:
    """Colours and stroke directions of the sky."""
    vx = np.full(x.shape, 0.9, np.float32)
    vy = 0.55 * np.cos(7.5 * x + 3.0 * y + 0.4) + 0.2 * np.sin(15 * x - 9 * y)
    halo = np.zeros_like(x)
    rings = np.zeros_like(x)
    for cx, cy, core, spin, reach in LIGHTS:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-6
        pull = np.exp(-((r / reach) ** 2))
        vx = vx * (1 - pull) + pull * spin * (-dy - 0.16 * dx) / r
        vy = vy * (1 - pull) + pull * spin * (dx - 0.16 * dy) / r
        disc = np.clip(1.15 - 0.42 * (r / core - 0.6), 0, 1.0)
        halo = np.maximum(halo, np.maximum(disc, 0.55 * np.exp(-((r / (2.6 * core)) ** 2))))
        turn = np.arctan2(dy, dx) * spin
        rings += pull * np.sin(r * 95 - 2.0 * turn) * 0.30
    angle = np.arctan2(vy, vx)
    grain = b.lic(f.noise(rng, H, W, 26, 3), angle, 60)
    grain = (grain - grain.mean()) / grain.std()
    tone = 0.36 + 0.19 * grain + rings + 0.16 * f.smoothstep(0.15, 0.5, y)
    colour = f.ramp(np.clip(tone, 0, 1), SKY)
    warm = f.ramp(np.clip(halo + 0.10 * grain + 0.75 * rings * (halo < 0.93), 0, 1), GLOW)
    return f.over(colour, f.smoothstep(0.12, 0.42, halo), warm), angle


def scene(rng: np.random.Generator) -> tuple[f.Array, f.Array]:
    """Underpainting and stroke directions of the whole picture."""
    x, y = f.grid(H, W)
    colour, angle = sky(rng, x, y)
    ridge = 0.485 - 0.05 * np.sin(4.3 * x + 0.5) - 0.022 * np.sin(11 * x + 1.0)
    slope = np.arctan(-0.05 * 4.3 * np.cos(4.3 * x + 0.5) - 0.022 * 11 * np.cos(11 * x + 1.0))
    hill = f.smoothstep(-0.002, 0.002, y - ridge)
    grain = f.noise(rng, H, W, 40, 4, 2.5)
    tone = 0.62 * grain + 0.5 * np.exp(-(((y - ridge) / 0.022) ** 2)) - 0.05
    colour = f.over(colour, hill, 0.65 * f.ramp(tone, SKY) + 0.35 * f.ramp(tone, LAND))
    angle = np.where(hill > 0.5, slope + 0.5 * np.sin(30 * (y - ridge)), angle)

    water = f.smoothstep(0.0, 0.004, y - 0.555 - 0.006 * np.sin(9 * x))
    ripple = f.noise(rng, H, W, 22, 4, 6.0)
    sheen = 0.12 + 0.55 * ripple
    for cx, _, core, _, _ in LIGHTS:
        path = np.exp(-(((x - cx - 0.012 * np.sin(60 * y)) / (0.9 * core + 0.008)) ** 2))
        sheen = np.maximum(sheen, path * (0.45 + 0.75 * ripple))
    lake = np.where((sheen > 0.74)[..., None], f.ramp(sheen - 0.1, GLOW), f.ramp(sheen, SKY))
    colour = f.over(colour, water, lake)
    angle = np.where(water > 0.5, 0.22 * np.sin(34 * y + 9 * x), angle)

    bank = 0.70 - 0.085 * np.sin(2.6 * x - 0.55) - 0.10 * f.smoothstep(0.35, 0.0, x)
    near = f.smoothstep(-0.002, 0.002, y - bank)
    furrow = np.sin(120 * (y - bank) * (1 - 0.3 * x) + 5 * f.noise(rng, H, W, 120, 2))
    tone = (
        0.40
        + 0.24 * furrow
        + 0.5 * (f.noise(rng, H, W, 60, 3) - 0.5)
        + 0.4 * np.exp(-(((y - bank) / 0.018) ** 2))
    )
    colour = f.over(colour, near, f.ramp(np.clip(tone, 0, 1), LAND))
    lean = np.arctan(-0.085 * 2.6 * np.cos(2.6 * x - 0.55)) + 0.35 + 0.5 * np.sin(9 * x + 14 * y)
    angle = np.where(near > 0.5, lean, angle)
    return colour, angle


def reeds(canvas: b.Canvas, rng: np.random.Generator) -> None:
    """Tall reeds in front, bent by the wind, with ochre heads."""
    n = 300
    near = rng.random(n) < 0.62
    root = np.where(near, rng.normal(90, 95, n), rng.normal(960, 75, n))
    tall = (
        rng.uniform(110, 400, n)
        * np.where(near, 1.0, 0.62)
        * np.exp(-(((root - np.where(near, 80, 980)) / 190) ** 2))
    )
    order = np.argsort(-tall)
    root, tall = root[order], tall[order]
    t = np.linspace(0, 1, 12)[None]
    bend = tall * rng.uniform(0.12, 0.42, n)
    x = root[:, None] + bend[:, None] * t**2.2 + 7 * np.sin(5 * t + root[:, None] / 40)
    y = H + 26 - tall[:, None] * (t - 0.10 * t**3)
    paths = np.stack([x, y], -1)
    colour = f.ramp(np.clip(0.20 + 0.20 * rng.standard_normal(n), 0, 0.9), LAND)
    warm = rng.random((n, 1)) < 0.16
    colour = np.where(warm, f.ramp(rng.uniform(0.3, 1, n), BARK), colour)
    blade = b.Brush(bristle=1.8, streak=0.32, ragged=0.4, dry=0.35, load=1.4, taper=0.85)
    b.lay(canvas, rng, paths, rng.uniform(8, 15, n), (colour, b.vary(rng, colour * 1.5, 0.15, 0.02)), blade)
    heads = paths[(rng.random(n) < 0.15) & (tall > 130)]
    heads = heads[:, -3:-1] + rng.normal(0, 3, (len(heads), 1, 2))
    gold = b.vary(rng, f.ramp(rng.uniform(0.5, 0.85, len(heads)), GLOW) * f.hexes("e8c090")[0], 0.08, 0.02)
    b.lay(
        canvas, rng, heads, rng.uniform(9, 14, len(heads)), (gold * 0.62, gold), b.Brush(streak=0.3, load=1.8)
    )


def paint(seed: int = 11) -> f.Array:
    """The finished picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    colour, angle = scene(rng)
    canvas = b.Canvas.toned(f.blur(colour, 5) * 0.8)
    every = np.concatenate([SKY, GLOW, LAND])
    for spacing, width, length, soft in ((26, 30, 120, 5), (14, 18, 84, 2.5), (9.5, 12.5, 56, 1.2)):
        points = b.scatter(rng, H, W, spacing)
        n = len(points)
        paths = b.trace(points, angle, length * rng.uniform(0.6, 1.25, n), 11)
        base = b.pick(f.blur(colour, soft), points)
        left = b.vary(rng, b.towards(rng, base, every, 0.35, 0.13), 0.10, 0.015)
        right = b.vary(rng, b.towards(rng, base, every, 0.45, 0.16), 0.13, 0.02)
        b.lay(
            canvas,
            rng,
            paths,
            width * rng.uniform(0.75, 1.2, n),
            (left, right),
            b.Brush(bristle=1.7, streak=0.28, ragged=0.42, dry=0.6, load=1.3),
        )
    reeds(canvas, rng)
    return b.lit(canvas, 1.0, 0.22)
