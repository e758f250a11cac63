"""Painters for panels, metal sheets, lamps and the rocky ground, and the table of all kinds."""

from __future__ import annotations

import numpy as np
import paint
from noise import cells, fbm, hashed, mix, smooth, value


def door(t, colour=(0.13, 0.36, 0.40)):
    """Painted planks with iron straps, studs and a ring handle; obj runs over [-0.5, 0.5] and [0, 1]."""
    x, y = t.obj[:, 0] + 0.5, t.obj[:, 1]
    wide = x * 6
    gap = np.minimum(wide % 1, 1 - wide % 1)
    tone = hashed(np.stack([np.floor(wide), x * 0, x * 0], -1), 3)
    grain = fbm(np.stack([x * 40, y * 3, tone * 9], -1), 3, 5)
    out = np.asarray(colour) * (0.75 + 0.3 * tone + 0.4 * grain)[:, None]
    worn = smooth(
        0.62, 0.70, fbm(np.stack([x * 22, y * 4, tone * 5], -1), 3, 6) + 0.14 * (1 - smooth(0, 0.25, y))
    )
    out = mix(out, [0.50, 0.41, 0.30], 0.8 * worn) * (0.45 + 0.55 * smooth(0.03, 0.12, gap))[:, None]
    for level in (0.2, 0.62):
        strap = smooth(0.034, 0.026, np.abs(y - level)) * smooth(0.90, 0.86, x)
        stud = smooth(0.016, 0.010, np.hypot((x % 0.18) - 0.09, (y - level) * 2))
        out = mix(out, [0.17, 0.16, 0.16], strap)
        out = mix(out, [0.42, 0.40, 0.38], stud * strap)
    ring = np.abs(np.hypot((x - 0.82) * 1.0, (y - 0.44) * 2.0) - 0.05)
    return mix(out, [0.78, 0.62, 0.28], smooth(0.022, 0.012, ring))


def window(t, lit=False):
    """A sash of small panes; sky in the glass, or lamp light."""
    x, y = t.obj[:, 0] + 0.5, t.obj[:, 1]
    frame = np.maximum.reduce([
        smooth(0.085, 0.075, x), smooth(0.915, 0.925, x), smooth(0.06, 0.05, y), smooth(0.90, 0.91, y),
        smooth(0.036, 0.028, np.abs(x - 0.5)), smooth(0.024, 0.018, np.abs(y - 0.34)),
        smooth(0.024, 0.018, np.abs(y - 0.66)),
    ])  # fmt: skip
    pane = hashed(np.stack([np.floor(x * 2), np.floor(y * 3), x * 0], -1), 8)
    if lit:
        glow = np.exp(-(((x - 0.5) / 0.45) ** 2) - ((y - 0.42) / 0.45) ** 2)
        glass = mix([0.62, 0.30, 0.10], [1.0, 0.86, 0.48], glow) * (0.88 + 0.2 * pane)[:, None]
    else:
        glint = smooth(0.10, 0.04, np.abs((x * 0.9 + y * 0.7 + 0.35 * pane) % 0.9 - 0.4))
        glass = (
            mix([0.11, 0.17, 0.23], [0.34, 0.47, 0.55], y) * (0.85 + 0.35 * pane)[:, None]
            + 0.13 * glint[:, None]
        )
    return mix(glass, np.array([0.90, 0.87, 0.78]) * (0.9 + 0.15 * fbm(t.world * 12, 2, 9))[:, None], frame)


def dome(t):
    """Red lead paint over sheet metal: seams, rivets, salt-faded top and rust."""
    angle, y = t.obj[:, 0], t.obj[:, 1]
    panel = angle / (2 * np.pi) * 12 + 0.5
    tone = hashed(np.stack([np.floor(panel) % 12, y * 0, y * 0], -1), 14)
    out = np.array([0.72, 0.16, 0.12]) * (0.88 + 0.2 * tone)[:, None]
    for level in (2.78, 3.12):
        out = out * (1 - 0.35 * smooth(0.025, 0.010, np.abs(y - level)))[:, None]
    fade = smooth(0.48, 0.70, fbm(t.world * 2.2, 4, 15))
    rust = smooth(0.58, 0.70, fbm(t.world * [3.6, 1.6, 3.6], 4, 16))
    out = mix(out, [0.83, 0.40, 0.32], 0.45 * fade)
    return mix(paint.weather(t, out, 0.7, 17), [0.42, 0.20, 0.11], 0.6 * rust)


def eaves(t):
    return paint.weather(t, np.broadcast_to([0.66, 0.15, 0.11], t.world.shape), 1.0, 18)


def parapet(t):
    """White iron plates with rivets, two vents, and rust under the rivets."""
    u = t.obj[:, 0] / (2 * np.pi) * 16
    x, y = (u % 1), (t.obj[:, 1] - 0.14) / 0.48
    out = (
        np.broadcast_to([0.92, 0.89, 0.82], t.world.shape)
        * (1 - 0.35 * smooth(0.035, 0.015, np.minimum(x, 1 - x)))[:, None]
    )
    rivet = np.hypot((np.minimum(x, 1 - x) - 0.09) * 0.46, ((y * 4) % 1 - 0.5) * 0.12)
    out = out * (1 - 0.3 * smooth(0.022, 0.014, rivet))[:, None]
    rust = smooth(0.52, 0.72, fbm(t.world * [6, 0.8, 6], 3, 19))
    return mix(paint.weather(t, out, 0.7, 20), [0.60, 0.36, 0.20], 0.25 * rust)


def deck(t):
    u = t.obj[:, 0] / (2 * np.pi) * 24
    gap = np.minimum(u % 1, 1 - u % 1) * t.obj[:, 2] * 0.26
    return paint.stone(t) * (0.7 + 0.3 * smooth(0.006, 0.02 + t.texel, gap))[:, None]


def glass(t):
    """A lantern pane: the ribbed lens glowing behind it, sky above, one glint; metric UV over the pane."""
    x, y = t.uv[:, 0] / 0.58, t.uv[:, 1] / 1.63
    centre = np.exp(-(((x - 0.5) / 0.36) ** 4) - ((y - 0.48) / 0.33) ** 4)
    core = np.exp(-(((x - 0.5) / 0.17) ** 2) - ((y - 0.48) / 0.09) ** 2)
    ribs = 0.5 + 0.5 * np.cos((y - 0.48) * 2 * np.pi * 11)
    sky = mix([0.14, 0.26, 0.35], [0.36, 0.53, 0.62], smooth(0.0, 1.0, y))
    lens = mix([0.74, 0.40, 0.10], [0.98, 0.78, 0.38], ribs)
    out = mix(mix(sky, lens, 0.88 * centre), [1.0, 0.97, 0.82], core)
    glint = smooth(0.09, 0.06, np.abs(x * 0.55 + y * 0.9 - 1.05)) + 0.6 * smooth(
        0.03, 0.015, np.abs(x * 0.55 + y * 0.9 - 0.88)
    )
    return mix(out, [0.95, 0.98, 1.0], 0.35 * np.clip(glint, 0, 1))


def lamp(t):
    y = t.uv[:, 1] / 0.37
    return mix([1.0, 0.93, 0.66], [0.95, 0.66, 0.25], np.abs(y - 0.45) * 1.6)


def terracotta(t):
    return paint.weather(t, np.broadcast_to([0.70, 0.38, 0.25], t.world.shape), 1.2, 23)


def ridge(t):
    part = t.obj[:, 0] / 0.42
    gap = np.minimum(part % 1, 1 - part % 1)
    tone = hashed(np.stack([np.floor(part), part * 0, part * 0], -1), 24)
    out = (
        np.array([0.62, 0.34, 0.24])
        * (0.8 + 0.4 * tone)[:, None]
        * (0.6 + 0.4 * smooth(0.01, 0.07, gap))[:, None]
    )
    return paint.weather(t, out, 1.0, 25)


def rock(t):
    """Cloven grey-brown rock: faces of differing tone, cracks with pale worn lips, bedding, lichen."""
    p = t.world
    warp = p + 0.35 * (np.stack([fbm(p * 1.3, 3, s) for s in (1, 2, 3)], -1) - 0.5)
    near, second, tone = cells(warp * [1.05, 1.5, 1.05], 101)
    small, next_small, fleck = cells(warp * [2.7, 3.6, 2.7], 102)
    lip, fine = second - near, next_small - small
    beds = fbm(warp * [0.5, 5.0, 0.5], 4, 103)
    grain = fbm(p * 11, 4, 104)
    broken = smooth(0.44, 0.60, fbm(p * 1.1, 3, 108))
    out = mix(
        [0.37, 0.34, 0.33], [0.66, 0.59, 0.49], np.clip(0.45 * tone + 0.2 * fleck + 0.45 * beds - 0.02, 0, 1)
    )
    out = mix(
        out, [0.50, 0.53, 0.58], 0.55 * smooth(0.45, 0.75, 0.5 * fleck + 0.5 * fbm(p * 0.6 + 9, 3, 105))
    )
    out = out * (0.74 + 0.52 * grain)[:, None]
    out = out * (1 + 0.14 * broken * smooth(0.05, 0.09, lip) * smooth(0.20, 0.10, lip))[:, None]
    crack = np.maximum(
        broken * smooth(0.055, 0.015, lip), 0.5 * smooth(0.05, 0.015, fine) * smooth(0.5, 0.7, fleck)
    )
    out = out * (1 - 0.55 * crack)[:, None]
    out = out * (0.90 + 0.20 * smooth(0.1, 0.9, t.normal[:, 1]))[:, None]
    lichen = (
        smooth(0.60, 0.65, fbm(p * 3.4, 4, 107))
        * smooth(0.1, 0.7, t.normal[:, 1])
        * smooth(0.5, 1.0, p[:, 1])
    )
    return mix(out, [0.78, 0.66, 0.28], 0.5 * lichen)


def tide(t, out):
    """Weed and wet rock up to the water line, barnacles above it."""
    y = t.world[:, 1] + 0.30 * (fbm(t.world * 2.2, 4, 111) - 0.5)
    weed = np.array([0.36, 0.40, 0.22]) * (0.6 + 0.8 * fbm(t.world * 7, 3, 112))[:, None]
    out = mix(out, weed, 0.62 * smooth(0.26, 0.12, y))
    shells = smooth(0.56, 0.62, fbm(t.world * 12, 2, 113)) * smooth(0.13, 0.04, np.abs(y - 0.33))
    out = mix(out, [0.84, 0.82, 0.76], 0.55 * shells)
    return mix(out, out * [0.60, 0.64, 0.66], smooth(0.02, -0.08, y))


def boulder(t):
    moss = smooth(0.50, 0.62, fbm(t.world * 2.0, 4, 115) - 0.1 + 0.25 * (t.normal[:, 1] - 0.5)) * smooth(
        0.7, 1.1, t.world[:, 1]
    )
    out = rock(t)
    edge = smooth(0.55, 0.95, t.normal[:, 1])
    return mix(tide(t, out * (0.92 + 0.16 * edge)[:, None]), [0.40, 0.45, 0.20], 0.7 * moss)


def ground(t):
    """Rock with turf where it lies flat, and a trodden path between the doors and the jetty."""
    p = t.world
    out = tide(t, rock(t))
    flat = smooth(0.74, 0.92, t.normal[:, 1] + 0.25 * (fbm(p * 1.7, 4, 121) - 0.5))
    turf = flat * smooth(0.72, 0.98, p[:, 1] + 0.3 * (fbm(p * 1.2, 3, 122) - 0.5))
    blades = fbm(p * [9, 3, 9], 3, 123)
    green = mix(
        [0.28, 0.37, 0.15], [0.56, 0.60, 0.27], smooth(0.3, 0.7, 0.6 * fbm(p * 0.9, 3, 124) + 0.4 * blades)
    )
    green = green * (0.78 + 0.44 * blades)[:, None]
    flowers = smooth(0.80, 0.84, value(p * 6.5, 125)) * smooth(0.5, 0.62, fbm(p * 0.8, 2, 126))
    green = mix(
        green,
        mix([0.95, 0.90, 0.80], [0.90, 0.62, 0.70], smooth(0.4, 0.6, value(p * 0.7, 127))),
        0.8 * flowers,
    )
    out = mix(out, green, turf)
    away = np.minimum.reduce([leg(p, a, b) for a, b in PATH]) + 0.30 * (fbm(p * 2.4, 3, 128) - 0.5)
    sand = (
        mix([0.66, 0.57, 0.42], [0.52, 0.44, 0.33], fbm(p * 5, 3, 129))
        * (0.85 + 0.3 * fbm(p * 14, 2, 130))[:, None]
    )
    return mix(out, sand, smooth(0.62, 0.40, away) * smooth(0.75, 0.95, p[:, 1]))


PATH = (
    ((-2.1, 3.3), (-0.6, 2.8)),
    ((-0.6, 2.8), (1.3, 2.5)),
    ((1.3, 2.5), (1.3, 3.6)),
    ((1.3, 2.5), (3.3, 1.1)),
)


def leg(p, a, b):
    """Distance from points to a segment of the path, seen from above."""
    a, b, q = np.asarray(a), np.asarray(b), p[:, [0, 2]]
    s = np.clip(((q - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
    return np.linalg.norm(q - a - s[:, None] * (b - a), axis=1)


def underside(t):
    return (
        np.broadcast_to([0.26, 0.25, 0.24], t.world.shape) * (0.8 + 0.4 * fbm(t.world * 2, 3, 131))[:, None]
    )


PAINTERS = {
    "tower": paint.tower, "cornice": paint.cornice, "stone": paint.stone, "plinth": paint.plinth,
    "rubble": paint.rubble, "plaster": paint.plaster, "slate": paint.slate, "wood": paint.wood,
    "barrel": paint.barrel, "door": door, "door_red": lambda t: door(t, (0.66, 0.17, 0.13)),
    "window": window, "window_lit": lambda t: window(t, True), "dome": dome, "eaves": eaves,
    "parapet": parapet, "deck": deck, "glass": glass, "lamp": lamp, "terracotta": terracotta,
    "ridge": ridge, "ground": ground, "boulder": boulder, "underside": underside,
}  # fmt: skip
