"""The rocky islet, loose boulders, the jetty with its stair, and the fence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from cottage import plank
from light import directions
from noise import fbm, hashed
from patches import box, grid, joined, moved, tube, turn_y

SEED = 11
BOTTOM = -0.55
TOWER_AT, COTTAGE_AT, STAIR_AT = (-2.1, -1.0), (3.4, -0.9), (1.3, 4.75)
COLUMNS, ROWS = 76, 29


def reach(angle):
    """The islet's radius at the water, by the angle from +z towards +x."""
    x, z = np.sin(angle), np.cos(angle)
    base = 1 / np.sqrt((x / 6.9) ** 2 + (z / 5.3) ** 2)
    ripple = 0.35 * np.sin(3 * angle + 0.6) + 0.25 * np.sin(5 * angle + 2.1) + 0.14 * np.sin(9 * angle)
    return base + ripple


def facets(points, spacing, seed, sharp):
    """A piecewise linear field with softened creases, about -1 … 1: what breaks a smooth form into rock faces."""
    cells = np.stack(
        np.meshgrid(np.arange(-9, 9), np.arange(-3, 4), np.arange(-9, 9), indexing="ij"), -1
    ).reshape(-1, 3)
    jitter = np.stack([hashed(cells, seed + k) for k in range(3)], 1)
    seeds = (cells + jitter) * spacing
    tilt = np.stack([hashed(cells, seed + 5 + k) for k in range(3)], 1) * 2 - 1
    lift = hashed(cells, seed + 9) * 2 - 1
    flat = points.reshape(-1, 3)
    out = np.empty(len(flat))
    for i in range(0, len(flat), 2048):
        p = flat[i : i + 2048]
        away = p[:, None] - seeds[None]
        d2 = (away**2).sum(-1) / spacing**2
        w = np.exp(-sharp * (d2 - d2.min(1, keepdims=True)))
        value = lift + (away * tilt).sum(-1) / spacing
        out[i : i + 2048] = (w * value).sum(1) / w.sum(1)
    return out.reshape(points.shape[:-1])


def level(x, z):
    """The plateau's height before the facets: higher under the tower, level where things stand."""
    slope = 1.25 - 0.05 * x - 0.03 * z
    for (cx, cz), height, radius in ((TOWER_AT, 1.5, 3.0), (COTTAGE_AT, 1.15, 3.1)):
        w = np.exp(-((np.hypot(x - cx, z - cz) / radius) ** 4))
        slope = slope * (1 - w) + height * w
    return slope


def calm(x, z):
    """0 where things stand and people walk, 1 on bare rock."""
    flat = 0.0
    for cx, cz, wide, deep in (
        (*TOWER_AT, 3.3, 3.3),
        (*COTTAGE_AT, 2.8, 2.4),
        (-2.1, 2.6, 1.7, 1.4),
        (0.9, 2.9, 1.9, 2.0),
    ):
        flat = flat + np.exp(-(((x - cx) / wide) ** 4) - ((z - cz) / deep) ** 4)
    return 1 - np.clip(flat, 0, 1)


def notched(points):
    """Cuts the way of the stair into the rock."""
    x, y, z = np.moveaxis(points, -1, 0)
    side = np.exp(-(((x - STAIR_AT[0]) / 1.05) ** 6)) * (z > 2.5)
    ramp = 1.02 - 0.45 * np.clip(z - STAIR_AT[1] + 1.5, 0, 2)
    return np.stack([x, y + side * np.minimum(ramp - y, 0), z], -1)


def surface():
    """The islet's points (rows outwards, columns) and the arc length from the middle."""
    angle = -np.pi + np.linspace(0, 2 * np.pi, COLUMNS + 1)
    angle[-1] = angle[0]
    inner = np.linspace(0, 0.86, ROWS - 13)
    rim = 0.86 + 0.14 * np.sin(np.linspace(0, np.pi / 2, 14)[1:]) ** 0.85
    rho = np.concatenate([inner, rim])[:, None]
    drop = np.concatenate([np.zeros(ROWS - 13), np.linspace(0, 1, 14)[1:]])[:, None]
    r = reach(angle) * rho
    x, z = r * np.sin(angle), r * np.cos(angle)
    top = level(x * 0.96, z * 0.96)
    y = top * (1 - drop**1.25) + BOTTOM * drop**1.25
    points = np.stack([x, y, z], -1)
    rock = np.maximum(drop, 0.55 * calm(x, z))
    out = np.stack([np.sin(angle) * rock, 0.35 + 0.4 * (1 - drop) + 0 * angle, np.cos(angle) * rock], -1)
    out[..., 1] *= calm(x, z) * (1 - 0.7 * drop) * np.clip(rho / 0.1, 0, 1)
    out[..., [0, 2]] *= np.clip((rho - 0.5) / 0.3, 0, 1)[..., None]
    bump = 0.75 * facets(points, 1.6, SEED, 16.0) + 0.35 * facets(points, 0.8, SEED + 40, 14.0)
    bump += 0.12 * (fbm(points * 1.6, 3, SEED) - 0.5)
    points = points + out * bump[..., None] * 0.9
    points[..., 1] = np.where(drop >= 1, BOTTOM, points[..., 1])
    points = notched(points)
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    arc = np.concatenate([np.zeros((1, COLUMNS + 1)), np.cumsum(step, axis=0)])
    return points, arc, angle


def islet():
    """The ground as one disc-shaped island of texture, and a plain underside."""
    points, arc, angle = surface()
    uv = np.stack([arc * np.sin(angle), -arc * np.cos(angle)], -1)
    top = grid(points[::-1], uv[::-1], "ground")
    rim = points[-1]
    rows = np.stack([rim * [s, 1, s] for s in (0.0, 0.5, 1.0)])
    base = grid(rows, rows[..., [0, 2]], "underside", density=0.35)
    return [top, base]


def ground(x, z):
    """The islet's height at a place, from its nearest points."""
    points = surface()[0].reshape(-1, 3)
    d2 = (points[:, 0] - x) ** 2 + (points[:, 2] - z) ** 2
    near = np.argsort(d2, kind="stable")[:4]
    w = 1 / (d2[near] + 1e-4)
    return float((points[near, 1] * w).sum() / w.sum())


def boulder(seed, size, cells=6, planes=15):
    """A rock: many planes cut from a ball, creases softened, as a cube's six faces; the foot is flat at y = 0."""
    rng = np.random.default_rng(seed)
    normal = directions(planes) + rng.normal(size=(planes, 3)) * 0.25
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    height = rng.uniform(0.70, 1.0, planes)
    t = np.tan(np.linspace(-np.pi / 4, np.pi / 4, cells + 1))
    u, v = np.meshgrid(t, t)
    one = np.ones_like(u)
    faces = {
        "f": (u, v, one),
        "r": (one, v, -u),
        "k": (-u, v, -one),
        "l": (-one, v, u),
        "t": (u, one, -v),
        "b": (u, -one, v),
    }
    scale = np.asarray(size, float)
    out = []
    for x, y, z in faces.values():
        d = np.stack([x, y, z], -1)
        d /= np.linalg.norm(d, axis=-1, keepdims=True)
        cut = np.maximum(d @ normal.T, 0.02) / height
        r = (cut**32).sum(-1) ** (-1 / 32)
        r = r * (1 + 0.10 * (fbm(d * 2.2, 2, seed) - 0.5))
        points = d * r[..., None] * scale
        points[..., 1] = np.maximum(points[..., 1], -0.5 * scale[1]) + 0.5 * scale[1]
        mean = scale.mean() * 0.92
        uv = np.stack([np.arctan(u), np.arctan(v)], -1) * mean
        out.append(grid(points, uv, "boulder"))
    return net(out, mean * np.pi / 2)


def net(faces, edge):
    """Four sides in a row with the top above the first: one island, so that fewer edges show."""
    places = ((0, 0), (1, 0), (2, 0), (-1, 0), (0, 1), (0, -1))
    laid = [type(f)(f.pos, f.uv + np.array(at) * edge, f.obj, f.kind) for f, at in zip(faces, places)]
    return [joined(laid)]


def jetty():
    """A timber jetty: beams, planks that are not quite even, piles."""
    rng = np.random.default_rng(SEED)
    out = []
    for x in (-0.55, 0.55):
        out += plank((x, 0.42, -0.6), (x, 0.42, 3.5), (0.14, 0.16))
    for k in range(15):
        skew, shift = rng.uniform(-2, 2), rng.uniform(-0.05, 0.05)
        board = box((1.6, 0.07, 0.24), "wood", hide="", at=(shift, 0, 0))
        out += moved(board, (0, 0.54, -0.45 + 0.275 * k), turn_y(skew))
    for z in (0.5, 1.9, 3.25):
        for x in (-0.74, 0.74):
            top = 1.05 if z > 3 else 0.75 + 0.1 * rng.uniform()
            pile = tube([(x, BOTTOM, z), (x, 0.2, z), (x, top, z)], [0.12, 0.11, 0.1], "wood", 9)
            out += pile
    return out


def stair():
    """Stone steps from the jetty up to the plateau."""
    out = []
    for k in range(5):
        width = 1.5 - 0.06 * (k % 2)
        out += moved(
            box((width, 0.42, 0.5), "stone", hide="bk"), (0.04 * (-1) ** k, 0.34 + 0.15 * k, -0.35 * k)
        )
    return out


def fence(posts):
    """Posts at ground points (n, 3) with two rails between neighbours."""
    out = []
    for p in posts:
        out += box((0.13, 1.15, 0.13), "wood", at=(p[0], p[1] + 0.35, p[2]))
    for a, b in pairwise(posts):
        for h in (0.42, 0.75):
            lift = np.array([0, h, 0])
            out += plank(a + lift, b + lift, (0.05, 0.1))
    return out
