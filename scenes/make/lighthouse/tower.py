"""The tower: plinth, banded shaft with door and windows, gallery, lantern room, dome and finial."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from openings import Opening, opening
from patches import box, fan, grid, joined, lathe, moved, quad, tube, turn_x, turn_y

SEGMENTS = 64
DECK = 9.55
"""Height of the gallery floor above the tower's foot."""
SHAFT_TOP = 8.75


def shaft_radius(y):
    return 1.4 + 0.62 * (1 - y / SHAFT_TOP) + 0.28 * np.exp(-((y - 0.6) / 0.45))


def ring(radius, y, count, start=0.0):
    t = start + np.arange(count) * 2 * np.pi / count
    return np.stack([radius * np.sin(t), np.full(count, y), radius * np.cos(t)], 1)


def around(patches, count, start=0.0):
    return [
        p for k in range(count) for p in moved(patches, matrix=turn_y(np.degrees(start) + k * 360 / count))
    ]


# angle in degrees, sill height, half width in columns, rows that the hole spans, opening
OPENINGS = (
    (0.0, 1.0, 3, (1.0, 3.12), Opening(0.98, 2.0, "door", border=0.22, proud=0.12, depth=0.34, buried=0.3)),
    (0.0, 5.6, 2, (5.55, 6.75), Opening(0.56, 1.05, "window", border=0.15, proud=0.09, depth=0.3)),
    (90.0, 3.9, 2, (3.85, 5.05), Opening(0.56, 1.05, "window", border=0.15, proud=0.09, depth=0.3)),
    (180.0, 6.6, 2, (6.55, 7.65), Opening(0.5, 0.97, "window_lit", border=0.14, proud=0.09, depth=0.3)),
    (-90.0, 2.2, 2, (2.15, 3.35), Opening(0.56, 1.05, "window_lit", border=0.15, proud=0.09, depth=0.3)),
)


def shaft():
    """The tapered wall with a hole behind each opening, and the openings in their surrounds."""
    marks = {y for o in OPENINGS for y in o[3]} | {0.55, SHAFT_TOP}
    rows = sorted(marks)
    for low, high in pairwise(rows):
        marks |= set(np.linspace(low, high, max(int(np.ceil((high - low) / 0.6)), 1) + 1)[1:-1])
    rows = np.array(sorted(marks))
    middle = (rows[1:] + rows[:-1]) / 2
    column = -180 + (np.arange(SEGMENTS) + 0.5) * 360 / SEGMENTS
    keep = np.ones((len(middle), SEGMENTS), bool)
    parts = []
    for angle, sill, half, (low, high), spec in OPENINGS:
        off = np.abs((column - angle + 180) % 360 - 180)
        keep &= ~np.outer((middle > low) & (middle < high), off < half * 360 / SEGMENTS)
        face = shaft_radius(sill + spec.height / 2) - 0.02
        lean = np.degrees(np.arctan2(shaft_radius(sill) - shaft_radius(sill + spec.height), spec.height))
        middle_up = (0, spec.height / 2, 0)
        tilted = moved(moved(opening(spec), [-v for v in middle_up]), middle_up, turn_x(-lean))
        parts += moved(moved(tilted, (0, sill, face)), matrix=turn_y(angle))
    wall = lathe([(shaft_radius(y), y) for y in rows], SEGMENTS, "tower", keep)
    return [wall, *parts]


def plinth():
    side = lathe([(2.75, -0.35), (2.72, 0.0), (2.6, 0.38)], 48, "plinth")
    bevel = lathe([(2.6, 0.38), (2.52, 0.48), (2.36, 0.55), (2.25, 0.57)], 48, "stone")
    return [side, bevel, lathe([(2.25, 0.57), (1.9, 0.6)], 48, "stone", flat=True)]


def steps():
    """A flight up to the door between two low cheek walls."""
    out = []
    for k in range(5):
        top = 1.0 - 0.2 * k
        front, back = 2.75 + 0.3 * k, 1.9 if k == 0 else 2.4 + 0.3 * k
        foot = top - 0.25 if k < 4 else -0.5
        out += box(
            (1.5, top - foot, front - back),
            "stone",
            at=(0, (top + foot) / 2, (front + back) / 2),
            hide="bklr",
        )
    for side in (-1, 1):
        out += box((0.24, 1.65, 2.5), "stone", at=(side * 0.87, 0.37, 2.95), hide="bk")
        out += box((0.34, 0.1, 2.42), "stone", at=(side * 0.87, 1.24, 3.06), hide="k")
        out += moved(orb(0.15, "stone", 10), (side * 0.87, 1.42, 4.02))
    return out


def orb(radius, kind, segments=14, squash=1.0):
    t = np.linspace(-np.pi / 2, np.pi / 2, max(segments // 2, 4) + 1)
    return [lathe(np.column_stack([radius * np.cos(t), squash * radius * np.sin(t)]), segments, kind)]


def gallery():
    """Cornice, brackets, deck with a slab edge, and the iron railing."""
    t = np.linspace(0, 1, 6)
    corbel = [(1.4 + 0.32 * np.sin(s * np.pi / 2) ** 2, SHAFT_TOP + 0.6 * s) for s in t]
    out = [
        lathe(
            [
                (1.38, SHAFT_TOP - 0.18),
                (1.5, SHAFT_TOP - 0.16),
                (1.53, SHAFT_TOP - 0.1),
                (1.53, SHAFT_TOP + 0.02),
                (1.46, SHAFT_TOP + 0.06),
            ],
            SEGMENTS,
            "stone",
        ),
        lathe(corbel, 48, "cornice"),
        lathe([(1.4, DECK - 0.2), (2.2, DECK - 0.2)], 48, "stone", flat=True),
        lathe([(2.2, DECK - 0.2), (2.27, DECK - 0.15), (2.27, DECK - 0.05), (2.2, DECK)], 48, "stone"),
        lathe([(2.2, DECK), (1.6, DECK), (1.0, DECK)], 48, "deck", flat=True),
    ]
    return out + around(bracket(), 16, np.pi / 16)


def bracket():
    """A stone console under the deck: an S-curved web."""
    s = np.linspace(0, 1, 7)
    curve = np.column_stack([1.38 + 0.72 * s**1.8, DECK - 0.95 + 0.62 * s**0.75])
    half, top = 0.09, DECK - 0.2
    edge = np.stack([np.column_stack([np.full(7, x), curve[:, 1], curve[:, 0]]) for x in (-half, half)], 1)
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    uv = np.stack([np.stack([np.zeros(7), arc], 1), np.stack([np.full(7, 2 * half), arc], 1)], 1)
    front = np.stack([edge[-1], edge[-1] * [1, 0, 1] + [0, top, 0]])
    lip_uv = np.stack([uv[-1], uv[-1] + [0, top - curve[-1, 1]]])
    belly = joined([grid(edge, uv, "stone"), grid(front, lip_uv, "stone")])
    sides = []
    for x, flip in ((half, 1), (-half, -1)):
        low = np.column_stack([np.full(7, x), curve[:, 1], curve[:, 0]])
        high = low * [1, 0, 1] + [0, top, 0]
        sheet = np.stack([low, high])[:, ::-flip]
        sides.append(grid(sheet, np.stack([-flip * sheet[..., 2], sheet[..., 1]], -1), "stone"))
    return [belly, *sides]


def railing():
    rail = [
        *tube(ring(2.12, DECK + 1.0, 40), 0.035, "iron", 5, True),
        *tube(ring(2.12, DECK + 0.55, 32), 0.018, "iron", 3, True),
    ]
    rail += tube(ring(2.12, DECK + 0.12, 32), 0.018, "iron", 3, True)
    post = tube([(0, DECK, 2.12), (0, DECK + 1.02, 2.12)], 0.032, "iron", 5, caps=False)
    post += moved(orb(0.06, "iron", 7), (0, DECK + 1.07, 2.12))
    thin = tube([(0, DECK + 0.1, 2.12), (0, DECK + 1.0, 2.12)], 0.014, "iron", 3, caps=False)
    rail += around(post, 16)
    for k in (1, 2):
        rail += around(thin, 16, np.pi / 8 * k / 3)
    return rail


def lantern():
    """The lantern room about its own floor: parapet wall, glazing with bars, dome, vent and finial."""
    sides, radius, foot, head = 12, 1.12, 0.72, 2.35
    out = [
        lathe([(1.22, 0.0), (1.22, 0.1), (1.17, 0.14)], 40, "stone"),
        lathe([(1.17, 0.14), (1.17, 0.62)], 40, "parapet"),
        lathe([(1.17, 0.62), (1.27, 0.65), (1.27, 0.71), (1.22, 0.74)], 40, "stone"),
        lathe([(1.22, 0.74), (1.0, 0.745)], 40, "stone", flat=True),
    ]
    half = np.pi / sides
    for k in range(sides):
        a, b = (2 * k - 1) * half, (2 * k + 1) * half
        left = np.array([radius * np.sin(a), foot, radius * np.cos(a)])
        right = np.array([radius * np.sin(b), foot, radius * np.cos(b)])
        out.append(quad(left, right - left, (0, head - foot, 0), "glass", (1, 1)))
        out += tube([left * 1.01, left * [1.01, 0, 1.01] + [0, head, 0]], 0.045, "iron", 5, caps=False)
    for y in (foot + 0.05, (foot + head) / 2, head - 0.04):
        thick = 0.03 if y == (foot + head) / 2 else 0.05
        out += tube(ring(radius * 1.005, y, sides, half), thick, "iron", 4, True)
    return out + dome(head)


def dome(y):
    t = np.linspace(0, 1, 12)
    shape = np.column_stack(
        [1.4 * np.cos(t * np.pi / 2) ** 0.8, y + 0.14 + 1.05 * np.sin(t * np.pi / 2) ** 1.1]
    )
    shape[0], shape[-1, 0] = (1.4, y + 0.14), 0.12
    out = [
        lathe([(1.05, y - 0.02), (1.36, y - 0.02)], 40, "eaves", flat=True),
        lathe([(1.36, y - 0.02), (1.45, y + 0.03), (1.45, y + 0.1), (1.4, y + 0.14)], 40, "eaves"),
        lathe(shape, 40, "dome", flat=True),
    ]
    out += around(rib(shape), 12, np.pi / 12)
    top = y + 1.14
    vent = [
        (0.2, top - 0.02),
        (0.24, top + 0.02),
        (0.17, top + 0.1),
        (0.17, top + 0.2),
        (0.27, top + 0.25),
        (0.22, top + 0.36),
        (0.09, top + 0.46),
        (0.045, top + 0.6),
    ]
    spire = [
        (0.045, top + 0.6),
        (0.11, top + 0.68),
        (0.11, top + 0.76),
        (0.04, top + 0.84),
        (0.03, top + 1.1),
        (0.0, top + 1.5),
    ]
    return [*out, lathe(vent, 16, "iron"), lathe(spire, 10, "iron"), *vane(top + 1.18)]


def rib(shape):
    path = np.column_stack([np.zeros(len(shape)), shape[:, 1], shape[:, 0]])[:-1]
    return tube(path, np.linspace(0.04, 0.025, len(path)), "iron", 3, caps=False)


def vane(y):
    """A weather vane: an arrow on the spire."""
    bar = tube([(-0.42, y, 0), (0.4, y, 0)], 0.018, "iron", 5)
    tip = np.array([[0.36, y - 0.09, 0], [0.6, y, 0], [0.36, y + 0.09, 0]])
    tail = np.array(
        [[-0.55, y - 0.14, 0], [-0.3, y - 0.1, 0], [-0.3, y + 0.1, 0], [-0.55, y + 0.14, 0], [-0.46, y, 0]]
    )
    for rim in (tip, tail):
        half, hub = np.array([0, 0, 0.015]), rim.mean(0)
        low, high = rim - half, rim + half
        loop = np.stack([low, high])[:, [*range(len(rim)), 0]]
        bar += [fan(high, hub + half, "iron"), fan(low[::-1], hub - half, "iron")]
        bar.append(grid(loop, loop[..., :2], "iron"))
    return bar
