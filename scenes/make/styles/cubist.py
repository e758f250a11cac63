"""`cubist`: a guitar, a bottle and a bowl on a table, seen through shifted, tilted planes."""

from __future__ import annotations

import brushes as b
import fields as f
import numpy as np
from PIL import Image, ImageDraw

H, W, S = 1024, 832, 2
OCHRE = f.hexes("3a2414 7a4a22 b27a34 d6a552 efd59a")
GREY = f.hexes("16181d 3b4148 6f7672 a8a896 dcd7c0")
BLUE = f.hexes("0f1d2e 1f3f5c 3f6f8a 86a9ae cfd8c8")
GREEN = f.hexes("14211c 2b4a3c 55735a 93a37c d3d3a6")
BRICK = f.hexes("24100e 5e2a1e 96502f c08a5c e6c79c")
INK = f.hexes("15110f")[0]


def guitar_outline() -> f.Array:
    """The body's contour (n, 2), centred, about 2 long, neck upwards."""
    t = np.linspace(0, 2 * np.pi, 140)
    width = 0.56 * (1 - 0.10 * np.cos(t)) - 0.20 * np.exp(-(((np.abs(np.pi - t) - 1.75) / 0.38) ** 2))
    return np.stack([1.18 * width * np.sin(t), -0.95 * np.cos(np.pi - t) * -1.0], -1)


def turned(points: f.Array, at: tuple[float, float], size: float, turn: float) -> list[tuple[float, float]]:
    """Points scaled, rotated and moved onto the motif's drawing."""
    c, s = np.cos(turn), np.sin(turn)
    p = np.asarray(points, float) @ np.array([[c, s], [-s, c]]) * size + np.array(at)
    return [(float(x) * S, float(y) * S) for x, y in p]


def motif() -> tuple[f.Array, f.Array]:
    """The still life before it is broken up: tone plane (0 empty, else palette code + tone), and its line work."""
    tone, line = Image.new("F", (W * S, H * S), 0.0), Image.new("L", (W * S, H * S))
    fill, pen = ImageDraw.Draw(tone), ImageDraw.Draw(line)

    def put(
        points: f.Array, at: tuple[float, float], size: float, turn: float, code: float, width: int = 9
    ) -> None:
        shape = turned(points, at, size, turn)
        if code:
            fill.polygon(shape, fill=code)
            pen.polygon(shape, fill=0)
        pen.line([*shape, shape[0]], fill=255, width=width, joint="curve")

    t = np.linspace(0, 2 * np.pi, 80)
    disc = np.stack([np.cos(t), np.sin(t)], -1)
    box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    put(box * [1.35, 0.62], (400, 800), 300, -0.06, 5.30)
    put(box * [1.0, 0.66], (250, 720), 150, 0.35, 2.85)
    for k in range(9):
        put(np.array([[-0.85, 0], [0.85 - 0.5 * (k % 3 == 2), 0]]), (250, 640 + 19 * k), 150, 0.35, 0, 7)
    put(box * [0.30, 1.0], (600, 520), 200, 0.05, 4.25)
    put(box * [0.12, 0.55], (607, 262), 160, 0.05, 4.45)
    put(box * [0.15, 0.12], (612, 170), 160, 0.05, 5.70)
    put(box * [0.29, 0.30], (600, 545), 200, 0.05, 1.95)
    body, lean = (365, 590), 0.42
    put(guitar_outline(), body, 235, lean, 1.62, 12)
    put(guitar_outline() * 0.92, body, 235, lean, 1.78, 5)
    neck = np.array([[-0.085, -0.2], [0.085, -0.2], [0.07, -2.0], [-0.07, -2.0]])
    put(neck, body, 235, lean, 1.15)
    put(np.array([[-0.13, -1.98], [0.13, -1.98], [0.17, -2.4], [-0.17, -2.4]]), body, 235, lean, 1.35)
    put(disc * 0.235 + [0, -0.24], body, 235, lean, 1.45, 8)
    put(disc * 0.18 + [0, -0.24], body, 235, lean, 2.04, 6)
    put(box * [0.26, 0.045] + [0, 0.47], body, 235, lean, 1.10)
    for k in range(-2, 4):
        put(np.array([[0.028 * k - 0.014, 0.47], [0.022 * k - 0.01, -2.3]]), body, 235, lean, 0, 4)
    for k in range(9):
        put(np.array([[-0.08, -0.65 - 0.15 * k], [0.08, -0.65 - 0.15 * k]]), body, 235, lean, 0, 5)
    bowl = np.concatenate([np.stack([np.cos(t[:41]), 0.62 * np.sin(t[:41])], -1)])
    for at, code in (((560, 800), 5.72), ((618, 792), 1.80), ((505, 806), 4.70)):
        put(disc * [1, 0.95], at, 44, 0, code, 8)
    put(bowl, (565, 815), 135, 0.0, 3.55, 10)
    flat, lines = (
        np.asarray(i.resize((W, H), m), np.float32)
        for i, m in ((tone, Image.Resampling.NEAREST), (line, Image.Resampling.LANCZOS))
    )
    return flat, lines / 255.0


def facets(rng: np.random.Generator) -> tuple[f.Array, f.Array]:
    """Plane labels (H, W) and the shading that fades away from each cut."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float32)
    code = np.zeros((H, W), np.int64)
    shade = np.zeros((H, W), np.float32)
    cuts = [(rng.normal(400, 150), rng.normal(520, 210)) for _ in range(20)]
    turns = rng.choice([0.15, 0.55, 1.15, 1.75, 2.35, 2.8], 20) + rng.normal(0, 0.10, 20)
    for k, ((px, py), turn) in enumerate(zip(cuts, turns, strict=True)):
        side = np.cos(turn) * (x - px) + np.sin(turn) * (y - py)
        run = -np.sin(turn) * (x - px) + np.cos(turn) * (y - py)
        if k % 3 == 0:
            side = side + 0.0011 * run**2 * (1 if k % 2 else -1)
        extent = rng.uniform(170, 420)
        live = np.abs(run - rng.normal(0, 60)) < extent
        code = code * 3 + np.where(live, 1 + (side > 0), 0)
        strength = rng.uniform(0.35, 0.75) * rng.choice([-1, 1])
        fade = np.exp(-np.abs(side) / rng.uniform(40, 110)) * (1 - (np.abs(run) / extent).clip(0, 1) ** 2)
        shade += np.where(live & (side > 0), -abs(strength), 0.55 * abs(strength)) * fade
    _, label = np.unique(code, return_inverse=True)
    return label.reshape(H, W), shade


def broken(rng: np.random.Generator) -> tuple[f.Array, f.Array, f.Array, f.Array]:
    """Underpainting, line work, stroke directions and plane numbers of the whole picture."""
    label, shade = facets(rng)
    n = int(label.max()) + 1
    tone, line = motif()
    y, x = np.mgrid[0:H, 0:W].astype(np.float32) + 0.5
    area = np.bincount(label.ravel())
    cx, cy = (np.bincount(label.ravel(), p.ravel()) / area for p in (x, y))
    turn, zoom = rng.normal(0, 0.10, n)[label], rng.normal(1.0, 0.08, n)[label]
    dx, dy = x - cx[label], y - cy[label]
    mx = cx[label] + zoom * (np.cos(turn) * dx - np.sin(turn) * dy) + rng.normal(0, 13, n)[label]
    my = cy[label] + zoom * (np.sin(turn) * dx + np.cos(turn) * dy) + rng.normal(0, 13, n)[label]
    ix, iy = mx.astype(int).clip(0, W - 1), my.astype(int).clip(0, H - 1)
    held, lines = tone[iy, ix], f.sample(line, mx, my)

    far = np.hypot((cx - 400) / 420, (cy - 540) / 520)
    family = np.where(
        rng.random(n) < 0.35 + 0.3 * (far < 0.5), 1, rng.choice([2, 3, 4], n, p=[0.45, 0.37, 0.18])
    )
    family = np.where(rng.random(n) < 0.06, 5, family)
    level = np.clip(0.62 - 0.24 * far + 0.15 * rng.standard_normal(n), 0.10, 0.92)
    tables = {1: OCHRE, 2: GREY, 3: BLUE, 4: GREEN, 5: BRICK}
    kind = np.where(held > 0, np.floor(held), family[label]).astype(int)
    value = np.where(held > 0, (held % 1) * 0.62 + 0.38 * level[label], level[label])
    value = np.clip(value + 0.62 * shade + 0.16 * (f.noise(rng, H, W, 90, 3) - 0.5), 0.02, 0.98)
    colour = np.zeros((H, W, 3), np.float32)
    for code, stops in tables.items():
        colour[kind == code] = f.ramp(value[kind == code], stops)
    edge = f.distance(f.borders(label), 6)
    crack = f.smoothstep(2.6, 1.0, edge) * f.smoothstep(0.25, 0.55, f.noise(rng, H, W, 60, 3))
    angle = rng.choice([0.2, 0.75, 1.3, 2.0, 2.6], n)[label] + 0.2 * (held > 0)
    return colour, np.maximum(lines, 0.9 * crack), angle, label * 8 + kind


def fitting(plane: f.Array, points: f.Array, way: f.Array, length: float) -> f.Array:
    """The part (n,) of `length` that a stroke through each point may have without leaving its plane."""

    def at(shift: f.Array) -> f.Array:
        p = (points + shift).astype(int)
        return plane[p[:, 1].clip(0, H - 1), p[:, 0].clip(0, W - 1)]

    half = 0.5 * length * np.stack([np.cos(way), np.sin(way)], -1)
    side = 0.22 * np.stack([-half[:, 1], half[:, 0]], -1)
    fit = np.full(len(points), 0.12)
    for part in (0.25, 0.4, 0.6, 0.8, 1.0):
        same = np.all([at(part * (i * half + j * side)) == at(0 * half) for i in (-1, 1) for j in (-1, 1)], 0)
        fit = np.where(same, part, fit)
    return fit


def paint(seed: int = 31) -> f.Array:
    """The finished picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    colour, lines, angle, plane = broken(rng)
    canvas = b.Canvas.toned(colour * 0.85)
    for gap, width, length in ((22, 34, 76), (14, 22, 52), (11, 14, 34)):
        points = b.scatter(rng, H, W, gap)
        n = len(points)
        base = b.pick(colour, points)
        way = b.pick(angle.astype(np.float32), points) + rng.normal(0, 0.16, n)
        fit = fitting(plane, points, way, length)
        s = (
            np.linspace(-0.5, 0.5, 3)[None, :, None]
            * (length * fit * rng.uniform(0.8, 1.2, n))[:, None, None]
        )
        paths = points[:, None] + s * np.stack([np.cos(way), np.sin(way)], -1)[:, None]
        left, right = b.vary(rng, base, 0.10, 0.014), b.vary(rng, base, 0.15, 0.02)
        flat = b.Brush(bristle=2.0, streak=0.22, ragged=0.18, dry=0.45, flat=True, load=0.9, taper=0.0)
        widths = width * (0.35 + 0.65 * fit) * rng.uniform(0.8, 1.15, n)
        b.lay(canvas, rng, paths, widths, (left, right), flat)
    rubbed = f.wobble(rng, lines, 30, 2.0) * np.clip(0.25 + 1.5 * f.noise(rng, H, W, 14, 4), 0, 1)
    canvas.rgb = f.over(canvas.rgb, np.clip(rubbed, 0, 0.93), INK)
    weave = 0.05 * (f.noise(rng, H, W, 2.4, 2) - 0.5)
    return b.lit(canvas, 0.75, 0.10) * (1 + weave[..., None])
