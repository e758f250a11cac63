"""The keeper's cottage: limewashed walls, slate roof, chimney, and the small things that stand around it."""

from __future__ import annotations

import numpy as np
from openings import Opening, opening, wall
from patches import box, grid, lathe, moved, quad, tube, turn_x, turn_y

WIDTH, DEPTH, EAVES, RISE, FOOT = 4.2, 3.0, 2.0, 1.55, 0.3
WINDOW = Opening(0.7, 0.85, "window", border=0.11, proud=0.05, depth=0.17, arch=False)
LIT = Opening(0.7, 0.85, "window_lit", border=0.11, proud=0.05, depth=0.17, arch=False)
DOOR = Opening(0.82, 1.66, "door_red", border=0.13, proud=0.07, depth=0.24, arch=False)
SMALL = Opening(0.46, 0.66, "window", border=0.1, proud=0.14, depth=-0.02, buried=0.02)

# wall -> (turn in degrees, distance of the wall plane, wall width, gable, openings at (x, sill height))
WALLS = (
    (0, DEPTH / 2, WIDTH, 0.0, ((-1.35, 0.75, WINDOW), (0.1, 0.06, DOOR), (1.35, 0.75, LIT))),
    (180, DEPTH / 2, WIDTH, 0.0, ((-0.9, 0.8, WINDOW), (0.95, 0.8, WINDOW))),
    (90, WIDTH / 2, DEPTH, RISE, ()),
    (-90, WIDTH / 2, DEPTH, RISE, ((0.0, 0.75, LIT), (0.0, 2.15, SMALL))),
)


def walls():
    out = []
    for turn, distance, width, gable, items in WALLS:
        holes, parts = [], []
        for x, sill, spec in items:
            half = spec.width / 2 + spec.border / 2
            low, high = sill - 0.04, sill + spec.height + spec.border / 2
            if spec.depth > 0:
                holes.append((x - half, x + half, low + FOOT, high + FOOT))
            parts += moved(opening(spec), (x, sill, 0))
        sheet = moved([wall(width, EAVES + FOOT, holes, "plaster", gable)], (0, -FOOT, 0))
        out += moved(moved([*sheet, *parts], (0, 0, distance)), matrix=turn_y(turn))
    for x in (-1, 1):
        for z in (-1, 1):
            out += quoins(x, z)
    return out + box((1.3, 0.7, 0.55), "stone", at=(0.1, -0.3, DEPTH / 2 + 0.3), hide="bk")


def quoins(x, z):
    """Alternating corner stones."""
    out = []
    for k in range(5):
        long, short = (0.42, 0.27) if k % 2 else (0.27, 0.42)
        at = (x * (WIDTH / 2 + 0.03 - long / 2), 0.16 + 0.38 * k, z * (DEPTH / 2 + 0.03 - short / 2))
        out += box((long, 0.33, short), "stone", at=at, hide="")
    return out


def roof():
    """Two slated slopes with a slight sag of the ridge, bargeboards and ridge tiles."""
    out = []
    over, run = 0.3, DEPTH / 2 + 0.32
    slope = np.arctan2(RISE, DEPTH / 2)
    length = run / np.cos(slope)
    ridge = EAVES + RISE + 0.12
    width = WIDTH + 2 * over
    for turn in (0, 180):
        top = quad((-width / 2, 0, length), (width, 0, 0), (0, 0, -length), "slate", (8, 4))
        under = quad((-width / 2, -0.1, 0), (width, 0, 0), (0, 0, length), "wood", (8, 1), density=0.4)
        front = quad((-width / 2, -0.1, length), (width, 0, 0), (0, 0.1, 0), "wood", (8, 1))
        ends = []
        for side in (-1, 1):
            ends += box(
                (0.07, 0.2, length), "wood", at=(side * (width / 2 + 0.02), -0.05, length / 2), hide=""
            )
        parts = moved([top, under, front, *ends], matrix=turn_x(np.degrees(slope)))
        out += moved(moved(parts, (0, ridge, 0)), matrix=turn_y(turn))
    tiles = tube([(x, ridge - 0.02, 0) for x in np.linspace(-width / 2, width / 2, 9)], 0.1, "ridge", 10)
    return [sagged(p) for p in [*out, *tiles]]


def sagged(patch):
    pos = patch.pos.copy()
    height = np.clip((pos[..., 1] - EAVES) / RISE, 0, 1)
    pos[..., 1] -= 0.09 * np.cos(pos[..., 0] / (WIDTH / 2 + 0.3) * np.pi / 2) * height
    return type(patch)(pos, patch.uv, patch.obj, patch.kind, patch.density)


def chimney():
    """A stack outside the right-hand gable, with a stepped shoulder, a cap and two pots."""
    out = box((0.55, 2.4, 1.1), "rubble", at=(0, 0.7, 0), hide="bl")
    for turn in (0, 180):
        shoulder = quad((-0.275, 1.9, 0.55), (0.55, 0, 0), (0, 0.5, -0.275), "rubble")
        out += moved([shoulder], matrix=turn_y(turn))
    for turn in (0, 180):
        rows = np.array(
            [[[0.275, 1.9, 0.55], [0.275, 1.9, -0.55]], [[0.275, 2.4, 0.275], [0.275, 2.4, -0.275]]]
        )
        out += moved([grid(rows, rows[..., [2, 1]] * [-1, 1], "rubble")], matrix=turn_y(turn))
    out += box((0.55, 2.0, 0.55), "rubble", at=(0, 3.35, 0), hide="b")
    out += box((0.72, 0.12, 0.72), "stone", at=(0, 4.2, 0), hide="")
    for z in (-0.15, 0.15):
        pot = [(0.12, 4.26), (0.1, 4.55), (0.13, 4.58), (0.13, 4.64), (0.09, 4.64), (0.08, 4.45)]
        out += moved([lathe(pot, 14, "terracotta")], (0, 0, z))
    return out


def barrel():
    t = np.linspace(-1, 1, 6)
    side = [(0.3 - 0.06 * s * s, 0.42 + 0.42 * s) for s in t]
    out = [
        lathe(side, 14, "barrel"),
        lathe([(0.24, 0.84), (0.21, 0.84), (0.21, 0.8)], 14, "wood"),
        lathe([(0.21, 0.8), (0.0, 0.8)], 14, "wood", flat=True),
    ]
    for y, r in ((0.15, 0.283), (0.69, 0.283)):
        out.append(
            lathe(
                [(r - 0.05, y - 0.04), (r + 0.012, y - 0.03), (r + 0.012, y + 0.03), (r - 0.05, y + 0.04)],
                14,
                "iron",
            )
        )
    return out


def crate():
    out = box((0.6, 0.5, 0.6), "wood", at=(0, 0.25, 0))
    for x in (-1, 1):
        for z in (-1, 1):
            out += box((0.08, 0.54, 0.08), "wood", at=(x * 0.28, 0.27, z * 0.28))
    return out


def bench():
    out = box((1.3, 0.07, 0.36), "wood", at=(0, 0.45, 0), hide="")
    for x in (-0.5, 0.5):
        out += box((0.12, 0.5, 0.3), "stone", at=(x, 0.17, 0))
    return out


def lamp_post():
    """An iron post with a small lantern."""
    base = [(0.17, -0.3), (0.17, 0.08), (0.1, 0.14), (0.08, 0.35), (0.05, 0.42)]
    post = [
        (0.05, 0.42),
        (0.042, 1.5),
        (0.075, 1.55),
        (0.075, 1.6),
        (0.04, 1.64),
        (0.04, 1.95),
        (0.13, 2.02),
        (0.17, 2.05),
        (0.0, 2.06),
    ]
    head = [(0.27, 2.42), (0.27, 2.46), (0.16, 2.57), (0.06, 2.64), (0.05, 2.7), (0.0, 2.8)]
    glass = lathe([(0.15, 2.05), (0.22, 2.42)], 8, "lamp")
    out = [
        lathe(base, 12, "iron"),
        lathe(post, 10, "iron"),
        lathe([(0.1, 2.42), (0.27, 2.42)], 12, "iron"),
        lathe(head, 12, "iron"),
        glass,
    ]
    for k in range(8):
        a = np.pi / 4 * k
        out += tube(
            [(0.15 * np.sin(a), 2.05, 0.15 * np.cos(a)), (0.22 * np.sin(a), 2.43, 0.22 * np.cos(a))],
            0.014,
            "iron",
            4,
            caps=False,
        )
    return out


def plank(start, end, size, kind="wood"):
    """A squared timber between two points."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    length = np.linalg.norm(end - start)
    ahead = (end - start) / length
    side = np.cross([0, 1, 0] if abs(ahead[1]) < 0.9 else [0, 0, 1], ahead)
    side /= np.linalg.norm(side)
    matrix = np.stack([side, np.cross(ahead, side), ahead], 1)
    return moved(box((size[0], size[1], length), kind, hide=""), (start + end) / 2, matrix)
