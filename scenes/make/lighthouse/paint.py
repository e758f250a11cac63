"""Painters for buildings and timber: a function a kind of surface, from texel samples to sRGB colours.

A painter gets `t` with the fields of `Texels` below, and returns (n, 3) colours in [0, 1] before the baked
ambient light and grime are laid over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from noise import fbm, hashed, mix, smooth, value


@dataclass(frozen=True)
class Texels:
    """Samples of one island: scene position, normal, metric UV, object space, ambient light; texel size (m)."""

    world: np.ndarray
    normal: np.ndarray
    uv: np.ndarray
    obj: np.ndarray
    ambient: np.ndarray
    texel: float


WHITE, RED = np.array([0.93, 0.90, 0.83]), np.array([0.76, 0.17, 0.13])
STONE, MORTAR = np.array([0.66, 0.61, 0.53]), np.array([0.50, 0.46, 0.40])
DARK = np.array([0.13, 0.12, 0.12])


def courses(u, v, length, height, seed, joint, texel, offset=0.5):
    """Blocks in bond: how deep in the block a point lies (0 joint … 1 face) and a random number a block."""
    row = np.floor(v / height)
    jitter = offset * (row % 2) + 0.25 * hashed(np.stack([row, row * 0, row * 0 + 1], -1), seed)
    along = u / length + jitter
    col = np.floor(along)
    du = np.minimum(along - col, 1 - (along - col)) * length
    dv = np.minimum(v / height - row, 1 - (v / height - row)) * height
    face = smooth(joint * 0.4, joint + texel, np.minimum(du, dv))
    return face, hashed(np.stack([row, col, 0 * row], -1), seed + 3)


def weather(t, colour, amount=1.0, seed=0):
    """Large and small tone changes, and streaks that run down upright faces."""
    broad = fbm(t.world * 0.9, 4, seed + 1) - 0.5
    fine = fbm(t.world * 7.0, 3, seed + 2) - 0.5
    streak = fbm(t.world * [4.5, 0.45, 4.5], 3, seed + 3) - 0.5
    upright = 1 - np.abs(t.normal[:, 1])
    tone = 1 + amount * (0.22 * broad + 0.14 * fine + 0.22 * streak * upright)
    return colour * tone[:, None]


def tower(t):
    """Limewashed blocks in red and white bands, chipped towards the foot, rust and damp running down."""
    angle, y = t.obj[:, 0], t.obj[:, 1]
    blocks = 30 / (2 * np.pi)
    face, tone = courses(angle * blocks, y - 0.55, 1.0, 0.41, 5, 0.02, t.texel * 0.7)
    edge = y + 0.035 * (fbm(t.world * 5, 2, 4) - 0.5)
    band = np.zeros(len(y))
    for low, high in ((2.19, 3.83), (5.47, 7.11)):
        band = np.maximum(
            band,
            smooth(low - t.texel, low + t.texel, edge) * (1 - smooth(high - t.texel, high + t.texel, edge)),
        )
    paint = mix(WHITE, RED, band)
    paint = paint * (1 + 0.10 * (tone - 0.5))[:, None] * (0.80 + 0.20 * face)[:, None]
    wear = (
        fbm(t.world * 2.6, 4, 21) + 0.10 * (1 - face) + 0.13 * (1 - smooth(0.6, 2.2, y)) + 0.05 * (tone - 0.5)
    )
    bare = smooth(0.655, 0.69, wear)
    stone = STONE * (0.82 + 0.3 * tone[:, None]) * (0.68 + 0.32 * face)[:, None]
    rim = smooth(0.63, 0.66, wear) * (1 - bare)
    colour = mix(weather(t, paint, 0.8, 7), weather(t, stone, 1.0, 8), bare) * (1 - 0.12 * rim)[:, None]
    rust = smooth(0.50, 0.74, fbm(t.world * [5, 0.5, 5], 3, 31)) * smooth(6.3, 8.9, y)
    damp = smooth(0.45, 0.7, fbm(t.world * [3, 0.9, 3], 3, 33) + 0.25 * (1 - smooth(0.5, 1.9, y)) - 0.1)
    colour = mix(colour, colour * [0.80, 0.62, 0.46], 0.7 * rust)
    return mix(colour, [0.36, 0.38, 0.25], 0.55 * damp * (1 - smooth(0.6, 2.4, y)))


def cornice(t):
    face, tone = courses(t.obj[:, 0] * 24 / (2 * np.pi), t.obj[:, 1] - 8.75, 1.0, 0.3, 9, 0.02, t.texel)
    colour = WHITE * (0.9 + 0.12 * tone[:, None]) * (0.8 + 0.2 * face)[:, None]
    rust = smooth(0.5, 0.75, fbm(t.world * [5, 0.6, 5], 3, 35))
    return mix(weather(t, colour, 0.9, 9), [0.55, 0.40, 0.28], 0.45 * rust)


def stone(t):
    """Dressed stone: pale, pitted, a little lichen on what faces up."""
    grain = fbm(t.world * 16, 3, 41)
    each = value(t.world * 0.8, 12)[:, None]
    colour = np.array([0.70, 0.66, 0.58]) * (0.84 + 0.28 * each) * (0.86 + 0.28 * grain)[:, None]
    pits = smooth(0.70, 0.78, fbm(t.world * 11, 3, 43))
    lichen = smooth(0.60, 0.68, fbm(t.world * 3.4, 4, 44) + 0.10 * np.maximum(t.normal[:, 1], 0))
    colour = mix(colour, colour * 0.72, pits)
    return mix(colour, [0.72, 0.66, 0.34], 0.45 * lichen)


def blocks(t, length, height, seed, irregular):
    u, v = t.uv[:, 0], t.uv[:, 1]
    warp = irregular * (fbm(t.world * 3.2, 2, seed) - 0.5)
    face, tone = courses(u + warp, v + warp * 0.7, length, height, seed, 0.025 + irregular * 0.06, t.texel)
    shade = 0.8 + 0.36 * tone
    hue = mix(
        [0.62, 0.57, 0.50], [0.55, 0.56, 0.57], value(np.stack([tone * 40, tone * 0, tone * 0], -1), seed)
    )
    colour = hue * shade[:, None] * (0.85 + 0.3 * fbm(t.world * 9, 3, seed + 1))[:, None]
    return weather(t, mix(MORTAR * 0.85, colour, face), 0.6, seed)


def plinth(t):
    moss = smooth(0.55, 0.68, fbm(t.world * 2.5, 4, 51) + 0.2 * (1 - smooth(1.2, 2.0, t.world[:, 1])) - 0.05)
    return mix(blocks(t, 0.7, 0.33, 52, 0.05), [0.34, 0.39, 0.20], 0.6 * moss)


def rubble(t):
    return blocks(t, 0.42, 0.24, 61, 0.16)


def plaster(t):
    """Whitewash over rubble: soft bumps, bare stones low down, green damp at the foot."""
    y = t.obj[:, 1]
    low = 1 - smooth(0.35, 1.25, y)
    under = rubble(t)
    wear = fbm(t.world * 2.1, 4, 71) + 0.15 * low
    bare = smooth(0.66, 0.70, wear)
    lime = np.array([0.94, 0.91, 0.83]) * (0.93 + 0.12 * fbm(t.world * 4.5, 3, 72))[:, None]
    lime = lime * (0.96 + 0.04 * smooth(0.3, 0.6, under.mean(1)))[:, None]
    colour = mix(weather(t, lime, 0.55, 73), under, bare)
    return mix(colour, [0.42, 0.43, 0.28], 0.5 * low * smooth(0.4, 0.65, fbm(t.world * 3, 3, 74)))


def slate(t):
    """Slates in staggered rows, each with its own tone and a shadowed lower edge; moss in places."""
    height, width = 0.26, 0.27
    v = t.uv[:, 1] + 0.025 * (fbm(t.world * 1.6, 2, 81) - 0.5)
    row = np.floor(v / height)
    along = t.uv[:, 0] / width + 0.5 * (row % 2)
    col = np.floor(along)
    tone = hashed(np.stack([row, col, 0 * row], -1), 82)
    inside = np.abs(along - col - 0.5) * 2
    drop = (v / height - row) - 0.10 * inside**4 - 0.10 * (tone - 0.5)
    gap = smooth(0.94 - 2 * t.texel / width, 0.97, inside)
    shadow = smooth(0.80, 0.99, drop)
    edge = smooth(0.10, 0.02, drop)
    hue = mix([0.33, 0.37, 0.43], [0.46, 0.44, 0.46], hashed(np.stack([row, col, 0 * row + 1], -1), 83))
    colour = hue * (0.82 + 0.45 * tone)[:, None] * (0.9 + 0.2 * fbm(t.world * 10, 3, 84))[:, None]
    colour = colour * (1 - 0.5 * shadow)[:, None] * (1 - 0.45 * gap)[:, None] + 0.07 * edge[:, None]
    moss = smooth(0.60, 0.70, fbm(t.world * 1.7, 4, 85) + 0.06 * shadow)
    return mix(colour, np.array([0.40, 0.44, 0.22]) * (0.75 + 0.4 * tone)[:, None], 0.75 * moss)


def wood(t, base=(0.55, 0.46, 0.36), seed=91):
    """Weathered timber: grain along the longest side, cracks, silvered tops."""
    far = value(t.world * 0.55, seed)
    p = np.stack([t.obj[:, 0] * 0.9, t.obj[:, 1] * 14, t.obj[:, 2] * 14], -1) + far[:, None] * 9
    grain, fine = fbm(p, 3, seed), fbm(p * [2, 3, 3], 2, seed + 4)
    crack = smooth(0.66, 0.74, fbm(p * [0.7, 1.2, 1.2], 2, seed + 8))
    colour = np.asarray(base) * (0.72 + 0.4 * grain + 0.22 * fine)[:, None]
    colour = mix(colour, [0.62, 0.59, 0.54], 0.35 * np.maximum(t.normal[:, 1], 0))
    tone = 0.86 + 0.28 * value(t.world * [2.1, 0.7, 2.1], seed + 9)
    return colour * (1 - 0.5 * crack)[:, None] * tone[:, None]


def barrel(t):
    stave = t.uv[:, 0] / 0.115
    gap = np.minimum(stave % 1, 1 - stave % 1)
    tone = hashed(np.stack([np.floor(stave), stave * 0, stave * 0], -1), 95)
    return (
        wood(t, (0.56, 0.38, 0.22))
        * (0.8 + 0.35 * tone)[:, None]
        * (0.55 + 0.45 * smooth(0.02, 0.14, gap))[:, None]
    )
