"""`woodblock`: breaking waves before a low sun, as a print from flat colour blocks and a dark key block."""

from __future__ import annotations

import fields as f
import numpy as np
from PIL import Image, ImageDraw

H, W, S = 768, 1024, 2
CREAM, PALE, MIST, MID, DEEP, INK = f.hexes("f1e6c8 b9cdc6 7fa3b5 3f6d96 1f3f70 14213f")
SUN, ROSE, SAND = f.hexes("c8482f e3a987 d9c08f")

Points = np.ndarray


class Print:
    """Two blocks at S times the size: flat colours, and the dark lines that are printed over them."""

    def __init__(self) -> None:
        self.flat = Image.new("RGB", (W * S, H * S))
        self.key = Image.new("L", (W * S, H * S))
        self._flat = ImageDraw.Draw(self.flat)
        self._key = ImageDraw.Draw(self.key)

    def shape(self, points: Points, colour: f.Array, line: float = 0.0) -> None:
        """A filled outline; it hides the lines under it."""
        at = [(float(x) * S, float(y) * S) for x, y in points]
        self._flat.polygon(at, fill=_ink(colour))
        self._key.polygon(at, fill=0)
        if line:
            self.line(np.concatenate([points, points[:1]]), np.full(len(points) + 1, line))

    def line(self, points: Points, widths: f.Array, colour: f.Array | None = None) -> None:
        """A line of varying width, on the key block unless it has a colour."""
        points, widths = dense(points, widths)
        pen, fill = (self._key, 255) if colour is None else (self._flat, _ink(colour))
        for (x, y), r in zip(points * S, widths * S / 2, strict=True):
            pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    def blob(self, points: Points, widths: f.Array, colour: f.Array, line: float) -> None:
        """A fat tapering stroke with an outline, hiding what lies under it."""
        points, widths = dense(points, widths)
        for grow, key in ((line, 255), (0.0, 0)):
            for (x, y), r in zip(points * S, (widths / 2 + grow) * S, strict=True):
                self._key.ellipse((x - r, y - r, x + r, y + r), fill=key)
        for (x, y), r in zip(points * S, (widths / 2 + line) * S, strict=True):
            self._flat.ellipse((x - r, y - r, x + r, y + r), fill=_ink(colour))


def _ink(colour: f.Array) -> tuple[int, int, int]:
    r, g, b = (np.asarray(colour) * 255).astype(int)
    return int(r), int(g), int(b)


def dense(points: Points, widths: f.Array) -> tuple[Points, f.Array]:
    """The polyline resampled at about one pixel."""
    run = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    at = np.linspace(0, run[-1], int(run[-1] * 1.3) + 2)
    xy = np.stack([np.interp(at, run, points[:, c]) for c in range(2)], -1)
    return xy, np.interp(at, run, widths)


def spline(points: Points, n: int = 90) -> Points:
    """Catmull-Rom curve through `points`, n samples."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    s = np.linspace(0, len(points) - 1 - 1e-6, n)
    k = s.astype(int)
    t = (s - k)[:, None]
    a, b, c, d = p[k], p[k + 1], p[k + 2], p[k + 3]
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def claw(
    block: Print, rng: np.random.Generator, at: Points, heading: float, size: float, hook: float, depth: int
) -> None:
    """A foam finger that hooks round, with smaller fingers growing from it."""
    t = np.linspace(0, 1, 12)
    turn = heading + hook * t**1.4
    path = at + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], -1), 0) * size / 12
    widths = size * (0.50 * (1 - t) ** 0.8 + 0.05)
    if depth:
        for k in (3, 6):
            spread = rng.uniform(0.5, 1.0) * (1 if k == 3 else -0.7) * -np.sign(hook)
            claw(block, rng, path[k], turn[k] + spread, size * rng.uniform(0.5, 0.65), hook * 1.1, depth - 1)
    block.blob(path, widths, CREAM, 1.3)
    block.line(path[1:8] + np.array([0, size * 0.05]), widths[1:8] * 0.22, PALE)


def breaker(block: Print, rng: np.random.Generator, foot: Points, scale: float, flip: int) -> None:
    """A curling wave: striped body between its face and its back, then foam claws along the crest."""
    to = np.array([scale * flip, scale])
    face = [
        (-0.75, 0.55),
        (-0.40, 0.30),
        (0.02, 0.05),
        (0.22, -0.28),
        (0.18, -0.58),
        (-0.05, -0.74),
        (-0.34, -0.66),
    ]
    back = [
        (2.0, 0.75),
        (1.5, 0.22),
        (1.06, -0.28),
        (0.68, -0.72),
        (0.25, -0.98),
        (-0.16, -0.98),
        (-0.38, -0.70),
    ]
    front, rear = (spline(np.array(p)) * to + foot for p in (face, back))
    block.shape(np.concatenate([front, rear[::-1]]), DEEP, 2.2)
    stops = np.cumsum(rng.uniform(0.5, 1.5, 23))
    stops = stops / stops[-1] * 0.98
    inks = (
        MID,
        DEEP,
        PALE,
        DEEP,
        MIST,
        INK,
        MID,
        DEEP,
        CREAM,
        DEEP,
        MIST,
        DEEP,
        MID,
        INK,
        PALE,
        DEEP,
        MIST,
        MID,
        DEEP,
        PALE,
        INK,
        MID,
    )
    s = np.linspace(0, 1, 90)[:, None]
    for k, ink in enumerate(inks):
        low, high = (stops[k + j] + 0.028 * np.sin(9 * s + 0.7 * k) * (1 - s) for j in (0, 1))
        edge = [front * (1 - v) + rear * v for v in (low, high)]
        cut = int(90 * rng.uniform(0.72, 0.97))
        if ink is not DEEP:
            block.shape(np.concatenate([edge[0][:cut], edge[1][:cut][::-1]]), ink, 0)
        block.line(edge[0][: cut + 4], 2.4 * (1.05 - s[: cut + 4, 0]))
    crest = np.concatenate([rear[38:], front[::-1][:26]])
    slope = np.gradient(crest, axis=0)
    out = np.arctan2(slope[:, 1], slope[:, 0]) - flip * -1.0 * np.pi / 2
    for lift, size, hook in ((0.0, 0.20, 1.7), (0.05, 0.15, 2.2)):
        count = 15
        for k in np.linspace(1, len(crest) - 2, count).astype(int):
            grow = 0.55 + 0.6 * np.sin(np.pi * min(1.0, 0.15 + k / len(crest)))
            at = crest[k] + np.array([0, lift * scale]) + rng.normal(0, 0.008 * scale, 2)
            heading = out[k] - flip * rng.uniform(0.2, 0.7)
            claw(block, rng, at, heading, size * scale * grow, -flip * hook, 1)
    for _ in range(60):
        x, y = foot + to * (rng.normal(-0.30, 0.26), rng.normal(-0.72, 0.30))
        r = scale * rng.choice([0.006, 0.010, 0.016])
        block.blob(np.array([[x, y], [x + 0.5, y]]), np.full(2, 2 * r), CREAM, 0.8)


def swell(
    block: Print, rng: np.random.Generator, level: float, rise: float, period: float, inks: Points
) -> None:
    """A rolling band of water with stripes that follow its crest, and a lace of foam along the top."""
    x = np.linspace(-20, W + 20, 260)
    phase = rng.uniform(0, 6)
    hump = np.abs(np.sin(np.pi * x / period + phase)) ** 1.3
    crest = level - rise * hump - 0.2 * rise * np.sin(x / period * 7.3 + phase)
    block.shape(np.concatenate([np.stack([x, crest], -1), [[W + 20, H + 20], [-20, H + 20]]]), inks[0], 2.0)
    y, k = crest + 3.0, 0
    while y.min() < min(H, level + 190):
        gap = rng.uniform(7, 15)
        lower = y + gap * (0.65 + 0.5 * np.sin(x / period * 4 + k * 1.3)) + 0.10 * (y.mean() - y)
        ink = inks[(k * 2 + int(rng.integers(0, 2))) % len(inks)]
        band = np.concatenate([np.stack([x, y], -1), np.stack([x, lower], -1)[::-1]])
        block.shape(band, ink, 0)
        block.line(np.stack([x, y], -1), 1.0 + 1.1 * np.sin(x / period * 5 + k) ** 2)
        if k in (2, 5, 8):
            for c in rng.uniform(0, W, 26):
                at = np.array([c, np.interp(c, x, y) + 2])
                claw(block, rng, at, -1.9 + rng.normal(0, 0.5), rng.uniform(0.12, 0.30) * rise, -1.6, 1)
        y, k = lower, k + 1
    for c in np.arange(-10, W + 20, 17.0):
        h = np.interp(c, x, hump)
        if h > 0.35 and rng.random() < 0.92:
            at = np.array([c, np.interp(c, x, crest) + 3])
            claw(block, rng, at, -1.9 + rng.normal(0, 0.3), rise * rng.uniform(0.22, 0.45) * h, -1.6, 1)


def gradated(rng: np.random.Generator) -> f.Array:
    """The sky: wiped from deep blue through bare paper to rose."""
    _, y = f.grid(H, W)
    y = y + 0.03 * (f.noise(rng, H, W, 30, 3, 9.0) - 0.5)
    colour = np.broadcast_to(CREAM, (H, W, 3))
    colour = f.over(colour, 0.95 * f.smoothstep(0.19, -0.01, y), 0.5 * (MID + DEEP))
    return f.over(colour, 0.85 * f.smoothstep(0.15, 0.36, y), ROSE)


def backdrop(block: Print, rng: np.random.Generator) -> None:
    """Sky, sun, cloud bands, far hills and birds."""
    block.flat.paste(Image.fromarray((gradated(rng) * 255).astype(np.uint8)).resize(block.flat.size))
    t = np.linspace(0, 2 * np.pi, 90)
    block.shape(np.stack([330 + 92 * np.cos(t), 268 + 92 * np.sin(t)], -1), SUN, 0)
    for level, x0, x1 in (
        (70, -40, 420),
        (112, 120, 760),
        (168, -60, 260),
        (206, 380, 700),
        (262, -40, 235),
        (306, 230, 560),
    ):
        for row in range(3):
            a, b = x0 + rng.uniform(-60, 90), x1 + rng.uniform(-120, 60)
            y, r = level + row * 13, rng.uniform(9, 13)
            block.blob(np.array([[a, y], [b, y]]), np.array([r, r]), (PALE, CREAM, ROSE)[row], 1.0)
    for level, ink in ((352, MIST), (378, MID)):
        x = np.linspace(-20, W + 20, 200)
        y = level - 30 * np.abs(np.sin(x / 96 + level)) - 12 * np.abs(np.sin(x / 37 + 1))
        block.shape(np.concatenate([np.stack([x, y], -1), [[W + 20, H + 20], [-20, H + 20]]]), ink, 1.4)


def paint(seed: int = 5) -> f.Array:
    """The finished picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    block = Print()
    backdrop(block, rng)
    swell(block, rng, 430, 40, 250, np.array([MID, MIST, PALE, MID, CREAM]))
    breaker(block, rng, np.array([300.0, 560.0]), 150, 1)
    swell(block, rng, 560, 46, 330, np.array([DEEP, MIST, MID, PALE, DEEP]))
    breaker(block, rng, np.array([600.0, 500.0]), 400, 1)
    swell(block, rng, 690, 60, 420, np.array([DEEP, MID, INK, MIST, DEEP, PALE]))
    return impression(block, rng)


def impression(block: Print, rng: np.random.Generator) -> f.Array:
    """Ink on paper: hand-cut edges, uneven ink, gradated sky, a slight slip between the blocks."""
    flat, key = (
        np.asarray(i.resize((W, H), Image.Resampling.LANCZOS), np.float32) / 255
        for i in (block.flat, block.key)
    )
    flat, key = f.wobble(rng, flat, 40, 1.6), f.wobble(rng, key, 40, 1.6)
    fibre = f.noise(rng, H, W, 3, 2, 6.0) - 0.5
    grain = f.noise(rng, H, W, 9, 4, 14.0) - 0.5
    speck = f.noise(rng, H, W, 2.2, 2) - 0.5
    paper = CREAM * (1.0 + 0.05 * fibre + 0.04 * speck)[..., None]
    depth = np.clip((CREAM - flat).max(-1) * 1.6, 0, 1)
    rub = 1.0 - depth * np.clip(0.10 + 0.32 * grain + 0.38 * np.clip(speck - 0.12, 0, 1) + 0.1 * fibre, 0, 1)
    out = paper + (flat - paper) * rub[..., None] * (depth > 0.02)[..., None]
    slip = np.pad(key, ((1, 0), (1, 0)), mode="edge")[:-1, :-1]
    lines = slip * (0.93 + 0.25 * np.clip(-speck, -0.3, 0.3))
    return f.over(out, np.clip(lines, 0, 1), INK * 0.9)
