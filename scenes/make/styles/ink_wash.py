"""`ink_wash`: karst peaks in mist, a bamboo in front, in black ink with a little indigo and a red seal."""

from __future__ import annotations

import itertools

import brushes as b
import fields as f
import numpy as np
from washes import Sheet

H, W = 1024, 768
INK = f.hexes("3c3a3c")[0]
INDIGO = f.hexes("5a6f86")[0]
TEA = f.hexes("c9a878")[0]
SEAL = f.hexes("b3261e")[0]
BLACK = f.hexes("17161a 26262b 3a3b42 5a5d64")
# Ridges from far to near: base (long sides), height, width of a peak, ink, centres of the peaks.
RIDGES = (
    (0.36, 0.15, 0.085, 0.20, (0.10, 0.29, 0.52, 0.70)),
    (0.46, 0.25, 0.075, 0.36, (0.20, 0.60, 0.42)),
    (0.60, 0.34, 0.085, 0.58, (0.52, 0.68, 0.06)),
    (0.76, 0.20, 0.100, 0.85, (0.30, 0.72, 0.12)),
)


def ridge(
    rng: np.random.Generator, base: float, tall: float, wide: float, peaks: tuple[float, ...]
) -> f.Array:
    """The height of a skyline (W,), in pixels from the top."""
    x = (np.arange(W) + 0.5) / H
    top = np.full(W, -1.0)
    for k, centre in enumerate(peaks):
        grow = tall * (1.0 - 0.28 * (k % 3)) * rng.uniform(0.9, 1.1)
        top = np.maximum(top, grow * np.exp(-(np.abs((x - centre) / wide) ** rng.uniform(1.7, 2.6))))
    crag = f.noise(rng, 3, W, 46, 5, 1.0, 0.6)[1] - 0.5
    return (base - top - 0.042 * crag * (0.4 + top / tall)) * H


def mountains(sheet: Sheet, rng: np.random.Generator) -> None:
    """Washes that are darkest at the skyline and dissolve downwards, and dry texture strokes on the rock."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    for k, (base, tall, wide, ink, peaks) in enumerate(RIDGES):
        sky = ridge(rng, base, tall, wide, peaks)
        below = y - sky[None]
        fall = 80 + 26 * k
        mist = f.smoothstep(1.0, 0.35, below / fall / 2.1 + 0.8 * (f.noise(rng, H, W, 90, 3, 2.5) - 0.5))
        light = 0.35 + 0.75 * f.noise(rng, H, W, 70, 4, 0.5)
        sheet.lift(below, 0.85)
        sheet.wash(below, INK if k > 1 else 0.5 * (INK + INDIGO), ink * mist * light * 0.62, 0.7, 0.5)
        sheet.wash(below - 14, INDIGO, 0.42 * ink * mist * (1 - light), 0.2, 0.8)
        texture(sheet, rng, sky, fall, ink)
    for cell, low in ((70, 0.5), (46, 0.55)):
        drift = f.noise(rng, H, W, cell, 4, 3.0)
        sheet.wash(
            (drift - low) * 70, 0.6 * INDIGO + 0.4 * TEA, 0.16 * f.smoothstep(0.30, 0.45, y / H), 0.7, 0.6
        )
    shore = y - 0.785 * H - 14 * np.sin(x / 90.0)
    sheet.lift(shore, 0.92 * f.smoothstep(-30, 40, shore))


def texture(sheet: Sheet, rng: np.random.Generator, sky: f.Array, fall: float, ink: float) -> None:
    """Dry strokes that run down the rock from the skyline, like axe cuts, and moss dots on the edge."""
    n = int(430 + 560 * ink)
    px = rng.uniform(0, W, n)
    edge = sky[px.astype(int)]
    py = edge + 4 + rng.exponential(fall * 0.6, n)
    lean = np.gradient(f.blur(sky[None].repeat(3, 0), 9)[1])[px.astype(int)]
    way = np.arctan2(2.0, np.clip(lean, -2.5, 2.5) * 0.0 + np.sign(lean) * 0.9) + rng.normal(0, 0.22, n)
    long = rng.uniform(16, 52, n)
    s = np.linspace(0, 1, 5)[None, :, None] * long[:, None, None]
    bend = way[:, None] + rng.normal(0, 0.35, (n, 1)) * np.linspace(0, 1, 5)[None]
    paths = np.stack([px, py], -1)[:, None] + s * np.stack([np.cos(bend), np.sin(bend)], -1)
    strike(
        sheet,
        rng,
        paths,
        rng.uniform(4, 13, n),
        0.62 * ink * (0.14 + np.exp(-(py - edge) / fall / 0.9)),
        0.95,
    )
    m = int(150 * ink) + 30
    qx = rng.uniform(6, W - 6, m)
    qy = sky[qx.astype(int)] + rng.normal(2, 4, m)
    dots = np.stack([qx, qy], -1)[:, None] + np.array([[-2, 0.5], [2.5, -1.0]])[None]
    strike(sheet, rng, dots, rng.uniform(3, 9, m), ink * rng.uniform(0.5, 1.0, m), 0.2)


def strike(
    sheet: Sheet,
    rng: np.random.Generator,
    paths: f.Array,
    widths: f.Array,
    ink: f.Array,
    dry: float,
    taper: float = 0.8,
) -> None:
    """Brush strokes in ink of density `ink` (n,), laid into the sheet."""
    canvas = b.Canvas.toned(np.zeros((sheet.h, sheet.w, 3)))
    dark = np.clip(ink, 0.02, 1)[:, None] * np.ones((1, 3)) * 2.3
    brush = b.Brush(bristle=1.7, streak=0.35, ragged=0.4, dry=dry, load=1.0, taper=taper)
    b.lay(canvas, rng, paths, widths, (dark, dark * 0.62), brush)
    sheet.density += canvas.rgb * (1.12 - 0.30 * sheet.tooth)[..., None] * np.array([1.0, 0.99, 0.95])


def sky(sheet: Sheet, rng: np.random.Generator) -> None:
    """Tea-stained ground, drifting cloud in pale indigo, and a low red sun."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    hake = f.noise(rng, H, W, 9, 4, 30.0)
    sheet.wash(np.full((H, W), 50.0), TEA, 0.10 + 0.20 * f.noise(rng, H, W, 150, 4), 0.0, 0.5)
    for cell, level in ((120, 0.44), (80, 0.52), (60, 0.5)):
        drift = f.noise(rng, H, W, cell, 4, 2.6)
        sheet.wash(
            (drift - level) * 90, INDIGO, 0.06 + 0.24 * hake * f.smoothstep(level, 0.95, drift), 0.5, 0.6
        )
    sheet.lift(64 - np.hypot(x - 500, y - 172), 0.7)
    sheet.wash(62 - np.hypot(x - 500, y - 172), f.hexes("d8664a")[0], 0.75, 0.25, 0.35)


def water(sheet: Sheet, rng: np.random.Generator) -> None:
    """Dry horizontal strokes: the lake, denser towards the shore and in the foreground."""
    n = 300
    py = (0.795 + 0.21 * rng.random(n)) * H
    px = rng.uniform(-60, W, n)
    s = np.linspace(0, 1, 7)[None]
    long = rng.uniform(50, 190, n)[:, None]
    wave = rng.uniform(1, 4, (n, 1)) * np.sin(s * rng.uniform(4, 9, (n, 1)) + rng.uniform(0, 6, (n, 1)))
    paths = np.stack([px[:, None] + s * long, py[:, None] + wave], -1)
    strike(sheet, rng, paths, rng.uniform(5, 15, n), rng.uniform(0.04, 0.26, n), 0.95)


def boat(sheet: Sheet, rng: np.random.Generator) -> None:
    """A small boat with its boatman, and a skein of birds."""

    def curve(points: list[tuple[float, float]]) -> f.Array:
        p = np.array(points, float)
        at = np.linspace(0, len(p) - 1, 9)
        return np.stack([np.interp(at, np.arange(len(p)), p[:, c]) for c in range(2)], -1)

    x, y = 250, 872
    lines = [curve([(x - 62, y - 12), (x - 20, y + 4), (x + 30, y + 4), (x + 78, y - 16)])]
    lines += [
        curve([(x + 30, y - 3), (x + 33, y - 24), (x + 31, y - 36)]),
        curve([(x + 18, y - 36), (x + 31, y - 46), (x + 45, y - 35)]),
    ]
    lines += [
        curve([(x + 60, y + 44), (x + 34, y - 30), (x + 20, y - 74)]),
        curve([(x - 34, y - 4), (x - 14, y - 26), (x + 12, y - 4)]),
    ]
    strike(
        sheet,
        rng,
        np.array(lines),
        np.array([11.0, 13.0, 7.0, 3.0, 9.0]),
        np.array([0.9, 0.8, 0.9, 0.8, 0.55]),
        0.3,
    )
    birds = []
    for k in range(8):
        bx, by = 150 + 27 * k + rng.normal(0, 6), 106 + 11 * abs(k - 3) + rng.normal(0, 5)
        birds.append(
            curve([(bx - 12, by - 6), (bx - 5, by - 7), (bx, by), (bx + 6, by - 8), (bx + 13, by - 6)])
        )
    strike(sheet, rng, np.array(birds), np.full(8, 4.5), np.full(8, 0.8), 0.2)


def stalk(y: f.Array, x0: float, lean: float) -> f.Array:
    """Where a bamboo stalk rooted at `x0` stands at height `y`, (..., 2)."""
    rise = H + 36 - np.asarray(y, float)
    return np.stack([x0 + lean * rise + 26 * np.sin(rise / 420.0), np.asarray(y, float)], -1)


def spray(rng: np.random.Generator, at: f.Array, side: float) -> tuple[f.Array, list[f.Array]]:
    """A twig (6, 2) that leaves a joint to one side, and the hanging leaves (7, 2) along it."""
    reach = rng.uniform(45, 125)
    t = np.linspace(0, 1, 6)[:, None]
    way = np.array([side * reach, -reach * rng.uniform(0.35, 0.8)])
    twig = at + t * way + t**2 * np.array([0, 0.35 * reach])
    leaves = []
    for start in twig[[3, 4, 5, 5]]:
        for spread in rng.permutation([-0.75, -0.4, -0.1, 0.25, 0.6])[: int(rng.integers(2, 5))]:
            turn = np.pi / 2 - side * 0.55 + spread + rng.normal(0, 0.12)
            curl = turn + rng.normal(0, 0.25) * np.linspace(0, 1, 7)
            step = np.stack([np.cos(curl), np.sin(curl)], -1) * rng.uniform(50, 105)
            leaves.append(start + np.linspace(0, 1, 7)[:, None] * step)
    return twig, leaves


def bamboo(sheet: Sheet, rng: np.random.Generator) -> None:
    """Stalks from jointed strokes, and leaves that hang from thin twigs."""
    leaves, inks = [], []
    for x0, lean, wide, ink in ((735, -0.03, 20, 0.32), (690, -0.10, 30, 0.8), (628, -0.13, 15, 0.5)):
        joints = H + 36 - np.cumsum(np.r_[0, np.linspace(70, 128, 12)])
        parts = [stalk(np.linspace(a - 3, b_ + 5, 7), x0, lean) for a, b_ in itertools.pairwise(joints)]
        strike(sheet, rng, np.array(parts), np.full(12, float(wide)), np.full(12, 0.8 * ink), 0.75, 0.1)
        tilt = np.array([[-0.6 * wide, 3], [0, -2], [0.6 * wide, 4]])
        rings = stalk(joints[1:], x0, lean)[:, None] + tilt
        strike(sheet, rng, rings, np.full(12, 5.0), np.full(12, min(1.0, ink * 1.25)), 0.2)
        for joint in stalk(joints[4:], x0, lean):
            for side in rng.permutation([-1.0, 1.0, -1.0])[: 1 + (wide > 20)]:
                twig, some = spray(rng, joint, side)
                strike(sheet, rng, twig[None], np.array([3.2]), np.array([0.6 * ink]), 0.5)
                leaves += some
                inks += [
                    ink * c
                    for c in rng.choice([0.42, 0.8, 1.15], len(some)) * rng.uniform(0.85, 1.15, len(some))
                ]
    sizes = rng.uniform(11, 19, len(leaves))
    strike(sheet, rng, np.array(leaves), sizes, np.clip(inks, 0.1, 1), 0.45, 1.0)


def seal(rgb: f.Array, rng: np.random.Generator) -> f.Array:
    """A square seal with a cut pattern, pressed unevenly in red."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    u, v = (x - 60) / 26, (y - 950) / 26
    inside = f.smoothstep(1.0, 0.94, np.maximum(np.abs(u), np.abs(v)))
    cut = np.zeros((H, W), bool)
    cuts = (
        (0.0, -0.62, 0.62, 0),
        (0.62, 0.0, 0.62, 1),
        (0.1, 0.62, 0.52, 0),
        (-0.5, 0.2, 0.42, 1),
        (-0.08, -0.22, 0.42, 0),
        (0.22, 0.12, 0.28, 1),
        (-0.1, 0.22, 0.10, 0),
    )
    for a, c, long, across in cuts:
        du, dv = (np.abs(u - a), np.abs(v - c)) if not across else (np.abs(v - c), np.abs(u - a))
        cut |= (du < long) & (dv < 0.085)
    worn = f.smoothstep(0.12, 0.3, f.noise(rng, H, W, 9, 3))
    return f.over(rgb, inside * (1 - f.blur(cut.astype(np.float32), 0.8)) * (0.35 + 0.6 * worn), SEAL)


def paint(seed: int = 17) -> f.Array:
    """The finished picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    sheet = Sheet(rng, H, W, f.hexes("f0e5cb")[0], 1500)
    for part in (sky, mountains, water, boat, bamboo):
        part(sheet, rng)
    return seal(sheet.dried(), rng)
