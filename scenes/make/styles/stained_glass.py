"""`stained_glass`: a sunrise window of leaded cells: a whirling sun, hills, a stream and flowers."""

from __future__ import annotations

import fields as f
import numpy as np

H, W = 1024, 800
SUN = f.hexes("fff1a8 ffd24a f9a11f e8651c c22a1c")
SKY = f.hexes("f7b23c e8573a b52a5a 6a2c86 2c3f9e 1b6bb4 2aa3c0")
HILLS = f.hexes("0d4a4a 17754f 4a9a35 a3bf3a 0f6a72 1d4d8a")
STREAM = f.hexes("8ed4e0 2f9fd0 1d5fb0 bfe6d8")
BLOOM = f.hexes("e2231a f0583a c3155a f78fb0 f9c23c")
FRAME = f.hexes("8f1a2c 1c2f86 c8962a 1c2f86 8f1a2c")


class Window:
    """Cell labels, colours by cell, and which leads are heavy."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.x, self.y = f.grid(H, W)
        self.label = np.zeros((H, W), np.int64)
        self.part = np.zeros((H, W), np.int64)
        self.tint = np.zeros((H, W, 3), np.float32)
        self.parts = 0

    def fill(self, mask: f.Array, cells: f.Array, t: f.Array, stops: f.Array, spread: float = 0.12) -> None:
        """Cut `mask` into integer `cells`, coloured by the mean of `t` over each, scattered by `spread`."""
        self.parts += 1
        _, local = np.unique(cells[mask], return_inverse=True)
        count = np.bincount(local)
        tone = np.bincount(local, t[mask]) / count + self.rng.normal(0, spread, len(count))
        colours = f.ramp(np.clip(tone, 0, 1), stops) * self.rng.uniform(0.8, 1.12, (len(count), 1))
        self.label[mask] = local + self.parts * 100000
        self.part[mask] = self.parts
        self.tint[mask] = colours[local]


def sky(win: Window) -> None:
    """Rays that whirl out of the sun, in rings of staggered cells."""
    dx, dy = win.x - 0.42, win.y - 0.36
    r = np.hypot(dx, dy) * (1 + 0.03 * np.sin(5 * np.arctan2(dy, dx) + 1))
    turn = np.arctan2(dy, dx) / (2 * np.pi) + 0.5
    everywhere = np.ones((H, W), bool)
    whirl = (turn + 0.55 * r + 0.02 * np.sin(40 * r)) * 22
    ray = np.floor(whirl).astype(int) % 22
    step = np.array([0.0, 0.35, 0.7])[ray % 3]
    ring = np.floor(np.sqrt(np.maximum(r - 0.13, 0)) * 9.5 + step).astype(int)
    win.fill(everywhere, ray * 100 + ring, np.clip((r - 0.15) / 0.38, 0, 1), SKY, 0.08)
    win.fill(r < 0.165, np.floor((turn - 0.9 * r) * 16).astype(int) % 16, 0.75 + 0 * r, SUN, 0.16)
    petal = 0.088 + 0.026 * np.abs(np.cos((turn + 0.35 * r) * 6 * np.pi))
    win.fill(r < petal, np.floor((turn + 0.35 * r) * 6 + 0.5).astype(int) % 6, 0.35 + 0 * r, SUN, 0.14)
    win.fill(r < 0.045, np.zeros((H, W), int), 0.12 + 0 * r, SUN * 0.9, 0.0)


def land(win: Window) -> None:
    """Four hills cut by slanting leads, and a stream winding down between them."""
    x, y = win.x, win.y
    ridges = ((0.60, 0.05, 5.2, 0.3), (0.67, 0.06, 4.1, 2.2), (0.75, 0.05, 6.0, 4.4), (0.85, 0.04, 5.0, 1.0))
    for k, (level, rise, pace, phase) in enumerate(ridges):
        crest = level - rise * np.sin(pace * x + phase)
        below = y - crest
        slant = np.floor((x + 0.5 * below + 0.25 * np.sin(9 * below + k)) * (9 + k)).astype(int)
        band = np.floor(below / 0.06 + 0.35 * np.sin(7 * x + k)).astype(int)
        t = (0.30 * k + 0.15 * (slant % 3) + 0.2 * np.sin(slant * 2.4)) % 1.0
        win.fill(below > 0, slant * 50 + band, t, HILLS, 0.10)
    depth = np.clip((y - 0.615) / 0.385, 0, 1)
    centre = 0.44 + 0.11 * np.sin(depth * 6.2 + 0.3) * (0.25 + depth)
    half = 0.010 + 0.075 * depth**1.1
    inside = (np.abs(x - centre) < half) & (y > 0.615)
    lane = np.floor((x - centre) / half * 1.2 + 0.5).astype(int)
    cross = np.floor(np.sqrt(depth) * 13 + 0.5 * (lane % 2)).astype(int)
    win.fill(inside, lane * 100 + cross, 0.45 + 0.1 * lane, STREAM, 0.25)


def leaf(
    win: Window, cx: float, cy: float, length: float, width: float, turn: float
) -> tuple[f.Array, f.Array]:
    """Mask of a pointed leaf from (cx, cy) at angle `turn`, and which half of it a pixel is in."""
    dx, dy = win.x - cx, win.y - cy
    along = (dx * np.cos(turn) + dy * np.sin(turn)) / length
    across = -dx * np.sin(turn) + dy * np.cos(turn)
    bulge = width * np.sin(np.pi * np.clip(along, 0, 1)) ** 0.8
    return (along > 0) & (along < 1) & (np.abs(across) < bulge), (across > 0).astype(int)


def flowers(win: Window) -> None:
    """Stems with leaves and fan-shaped blossoms in both lower corners."""
    plants = (
        (0.115, 0.66, 0.10),
        (0.20, 0.795, 0.075),
        (0.665, 0.70, 0.10),
        (0.60, 0.835, 0.07),
        (0.075, 0.83, 0.06),
    )
    for k, (cx, cy, size) in enumerate(plants):
        stem = np.abs(win.x - cx - 0.02 * np.sin(11 * (win.y - cy))) < 0.0075
        win.fill(stem & (win.y > cy), np.zeros((H, W), int), 0.45 + 0 * win.x, HILLS, 0.05)
        for side, drop in ((-0.6, 0.10), (0.6, 0.15), (-0.7, 0.21)):
            turn = -np.pi / 2 + side
            mask, half = leaf(win, cx, cy + drop, 1.35 * size, 0.2 * size, turn)
            win.fill(mask, half, 0.35 + 0.2 * half, HILLS, 0.12)
        for turn in (-2.75, -0.40, -2.25, -0.9, -1.57):
            mask, half = leaf(win, cx, cy + 0.12 * size, 1.25 * size, 0.36 * size, turn)
            win.fill(mask, half, 0.18 * k + 0.12 * half + 0 * win.x, BLOOM, 0.10)


def frame(win: Window) -> None:
    """A border of alternating lights."""
    left, right = np.minimum(win.x, W / H - win.x), np.minimum(win.y, 1 - win.y)
    inset = np.minimum(left, right)
    tall = left < right
    cell = np.where(tall, np.floor(win.y * 17), 100 + np.floor(win.x / (W / H) * 13)).astype(int)
    win.fill(inset < 0.047, cell, (cell % 5) / 4.0, FRAME, 0.04)


def glass(win: Window, rng: np.random.Generator) -> f.Array:
    """Light through the panes: streaks with a direction of their own in each, seeds, ripples, dirt by the lead."""
    codes, cell = np.unique(win.label, return_inverse=True)
    cell = cell.reshape(H, W)
    turn = rng.uniform(0, np.pi, len(codes))[cell]
    shift = rng.uniform(0, 400, (len(codes), 2))[cell]
    px, py = win.x * 1024, win.y * 1024
    u, v = px * np.cos(turn) + py * np.sin(turn), -px * np.sin(turn) + py * np.cos(turn)
    streaks = f.noise(rng, 1500, 1500, 34, 5, 5.0, 0.65)
    fold_u, fold_v = (np.abs((p + 5960) % 2980 - 1490) for p in (u + shift[..., 0], v + shift[..., 1]))
    streak = f.sample(streaks, fold_u, fold_v) - 0.5
    hammer = f.noise(rng, H, W, 11, 3) - 0.5
    dy, dx = np.gradient(f.blur(hammer, 1.0))
    slope = rng.uniform(-1, 1, (len(codes), 2))[cell]
    cx, cy = (np.bincount(cell.ravel(), p.ravel()) / np.bincount(cell.ravel()) for p in (px, py))
    fade = ((px - cx[cell]) * slope[..., 0] + (py - cy[cell]) * slope[..., 1]) / 75.0
    light = 1.10 + 1.0 * streak + 1.5 * (dx + dy) + 0.35 * np.tanh(fade)
    seeds = f.noise(rng, H, W, 5.0, 1) > 0.955
    light += 0.5 * f.blur(seeds.astype(np.float32), 1.1)
    light = light[..., None]
    warm = win.tint * light + 0.30 * np.clip(light - 1.05, 0, 1) * f.hexes("fff0c0")[0]
    return np.clip(warm, 0, 1.2) ** np.array([0.95, 1.0, 1.05])


def paint(seed: int = 21) -> f.Array:
    """The finished picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    win = Window(rng)
    for part in (sky, land, flowers, frame):
        part(win)
    colour = glass(win, rng)
    thin, thick = (f.distance(f.borders(m), 14) for m in (win.label, win.part))
    uneven = 1.2 * (f.noise(rng, H, W, 30, 3) - 0.5)
    inside = np.minimum(thin - 2.9, thick - 4.4) + uneven
    colour *= (0.45 + 0.55 * f.smoothstep(0, 7, inside))[..., None]
    colour += 0.22 * f.blur(np.clip(colour - 0.45, 0, 1), 7)
    round_ = np.clip(1.0 + inside / 4.4, 0, 1)
    dy, dx = np.gradient(f.blur(-inside, 1.0))
    metal = (
        0.10
        + 0.10 * np.clip(dx + dy, -0.8, 2)
        + 0.08 * (f.noise(rng, H, W, 5, 3) - 0.5)
        + 0.05 * (1 - round_)
    )
    lead = metal[..., None] * f.hexes("e8e6f0")[0]
    return f.over(colour, f.smoothstep(0.7, -0.5, inside), lead)
