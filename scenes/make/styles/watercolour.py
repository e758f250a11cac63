"""`watercolour`: a loose meadow of poppies and cornflowers, wet in wet, with darker touches on top."""

from __future__ import annotations

import fields as f
import numpy as np
from washes import Sheet, petal

H, W = 1024, 800
SKY = f.hexes("7fb8e0 9ccbe8 c8bfe6 f8d2b0")
FIELD = f.hexes("c9cf6a 8fb85a 5f9a6a 3f8f8f e8d27a")
RED = f.hexes("f08a5a e8553a d92f3a c4284f f2a66a")
BLUE = f.hexes("5a7fd0 3f5fb8 7a6fc4 4a90c8")
STEM = f.hexes("5f8f3a 3f7a4a 2f6a5f 8fa83a")
DARK = f.hexes("3a2444")[0]


def ground(sheet: Sheet, rng: np.random.Generator, x: f.Array, y: f.Array) -> None:
    """The wet first layer: sky, a line of trees and the meadow, running into one another."""
    for k in range(6):
        cloud = (f.noise(rng, H, W, 190, 4, 1.6) - 0.45) * 160
        strength = 0.55 * f.smoothstep(600, 200, y + 40 * (k - 3)) * rng.uniform(0.5, 1.0)
        sheet.wash(cloud, SKY[k % 4], strength, 0.9, 0.9)
    for k in range(4):
        mass = 470 - 60 * np.abs(np.sin(x / (60 + 17 * k) + k)) - 70 * f.noise(rng, H, W, 70, 3) + 16 * k
        sheet.wash(y - mass, FIELD[(k + 1) % 4], 0.42 * f.smoothstep(690, 480, y + 0.2 * x), 0.9, 1.0)
    for k in range(9):
        patch = (f.noise(rng, H, W, 120, 4, 1.2) - 0.46) * 120
        sheet.wash(patch, FIELD[k % 5], 0.50 * f.smoothstep(470, 800, y), 0.9, 0.9)


def blades(
    sheet: Sheet, rng: np.random.Generator, count: int, strength: float, x: f.Array, y: f.Array
) -> None:
    """Grass and leaves, each a long petal, laid as one wash per colour."""
    for colour in STEM:
        level = np.full((H, W), -99.0, np.float32)
        for _ in range(count):
            at = (rng.uniform(-20, W + 20), rng.uniform(760, 1100))
            turn = -np.pi / 2 + rng.normal(0, 0.35)
            stamp(level, x, y, at, rng.uniform(150, 380), rng.uniform(5, 11), turn, 1.0)
        sheet.lift(level, 0.45)
        sheet.wash(level, colour, strength, 0.8, 0.7)


def stamp(
    level: f.Array,
    x: f.Array,
    y: f.Array,
    at: tuple[float, float],
    long: float,
    wide: float,
    turn: float,
    tip: float,
) -> None:
    """Grow `level` by one petal, in place, looking only at the petal's surroundings."""
    reach = int(long + 20)
    rows = slice(max(0, int(at[1]) - reach), max(0, min(H, int(at[1]) + reach)))
    columns = slice(max(0, int(at[0]) - reach), max(0, min(W, int(at[0]) + reach)))
    here = petal(x[rows, columns], y[rows, columns], at, long, wide, turn, tip)
    level[rows, columns] = np.maximum(level[rows, columns], here)


def poppy(
    sheet: Sheet, rng: np.random.Generator, at: tuple[float, float], size: float, x: f.Array, y: f.Array
) -> None:
    """A stem, overlapping petals in changing reds, a dark heart and a ring of stamens."""
    level = np.full((H, W), -99.0, np.float32)
    stamp(
        level, x, y, (at[0] + rng.normal(0, 18), at[1] + size * 4.2), size * 4.3, 5.5, -np.pi / 2 + 0.02, 0.9
    )
    sheet.lift(level, 0.6)
    sheet.wash(level, STEM[int(rng.integers(0, 3))], 0.9, 0.7, 0.7)
    face, tilt = rng.uniform(0, 6), rng.uniform(0, np.pi)
    sheet.lift(size * 0.6 - np.hypot(x - at[0], y - at[1]), 0.9)
    for k in range(5):
        level = np.full((H, W), -99.0, np.float32)
        turn = face + k * 1.257 + rng.normal(0, 0.2)
        squash = 0.62 + 0.5 * abs(np.cos(turn - tilt))
        stamp(
            level, x, y, at, size * squash * rng.uniform(1.0, 1.25), size * rng.uniform(0.5, 0.72), turn, 0.62
        )
        sheet.lift(level, 0.72)
        fade = 0.50 + 0.45 * np.clip(np.hypot(x - at[0], y - at[1]) / size, 0, 1.3)
        sheet.wash(level, RED[int(rng.integers(0, 5))], fade * 0.85, 0.8, 0.9)
        veins = np.full((H, W), -99.0, np.float32)
        for spread in (-0.35, -0.12, 0.12, 0.35):
            stamp(veins, x, y, at, size * 0.8 * squash, 2.6, turn + spread, 0.9)
        sheet.wash(veins, RED[3], 0.35, 0.3, 0.5)
    heart = size * 0.24 - np.hypot(x - at[0], y - at[1])
    sheet.wash(heart, DARK, 0.9, 0.6, 0.6)
    dots = np.full((H, W), -99.0, np.float32)
    for turn in np.linspace(0, 6.28, 17):
        r = size * rng.uniform(0.30, 0.42)
        dots = np.maximum(dots, 3.6 - np.hypot(x - at[0] - r * np.cos(turn), y - at[1] - r * np.sin(turn)))
    sheet.wash(dots + 1, DARK, 0.8, 0.3, 0.3)


def cornflowers(sheet: Sheet, rng: np.random.Generator, x: f.Array, y: f.Array) -> None:
    """Small blue flowers with fringed rays, one wash per blue."""
    heads = np.stack([rng.uniform(10, W - 10, 34), rng.uniform(420, 985, 34)], -1)
    for k, colour in enumerate(BLUE):
        level = np.full((H, W), -99.0, np.float32)
        for cx, cy in heads[k::4]:
            size = 14 + 34 * (cy - 400) / 600
            for turn in np.linspace(0, 6.28, 10) + rng.normal(0, 0.15, 10):
                stamp(level, x, y, (cx, cy), size * rng.uniform(0.8, 1.2), size * 0.17, turn, 0.6)
        sheet.lift(level, 0.75)
        sheet.wash(level, colour, 0.95, 0.8, 0.8)


def spatter(sheet: Sheet, rng: np.random.Generator, x: f.Array, y: f.Array) -> None:
    """Drops flicked from the brush."""
    for colour in (RED[1], BLUE[0], STEM[2], FIELD[4]):
        level = np.full((H, W), -99.0, np.float32)
        for _ in range(16):
            stamp(
                level,
                x,
                y,
                (rng.uniform(0, W), rng.uniform(0, H)),
                rng.uniform(5, 16),
                rng.uniform(3, 6),
                rng.uniform(0, 6),
                0.8,
            )
        sheet.wash(level + 1, colour, 0.8, 0.8, 0.4)


def paint(seed: int = 4) -> f.Array:
    """The finished picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    sheet = Sheet(rng, H, W, f.hexes("faf5e6")[0], 60)
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    ground(sheet, rng, x, y)
    blades(sheet, rng, 16, 0.6, x, y)
    cornflowers(sheet, rng, x, y)
    heads = (
        (170, 470, 64),
        (420, 560, 74),
        (640, 430, 84),
        (300, 330, 56),
        (560, 720, 96),
        (220, 740, 104),
        (690, 640, 60),
        (90, 610, 50),
        (470, 400, 46),
        (400, 880, 80),
        (720, 860, 90),
    )
    for cx, cy, size in heads:
        poppy(sheet, rng, (cx, cy), size, x, y)
    spatter(sheet, rng, x, y)
    return np.clip(sheet.dried() ** 0.96, 0, 1)
