"""Doors, windows and walls with holes for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from patches import Patch, box, cleaned, grid, joined


@dataclass(frozen=True)
class Opening:
    """A recess with a stone surround: clear width and height, and how far things stand out or in (metres)."""

    width: float
    height: float
    panel: str
    border: float = 0.14
    proud: float = 0.06
    depth: float = 0.22
    arch: bool = True
    surround: str = "stone"
    sill: bool = True
    buried: float = 0.2


def outlines(o: Opening):
    """The clear outline and the surround's outer one, point for point, from lower right round to lower left."""
    half, rise = o.width / 2, o.width / 2 if o.arch else 0.0
    spring = o.height - rise
    outer_half, outer_top = half + o.border, o.height + o.border
    corner = np.arctan2(outer_top - spring, outer_half)
    if o.arch:
        phi = np.unique(np.round(np.concatenate([np.linspace(0, np.pi, 9), [corner, np.pi - corner]]), 9))
        ray = np.stack([np.cos(phi), np.sin(phi)], 1)
        inner = half * ray
        reach = np.minimum(
            outer_half / np.maximum(abs(ray[:, 0]), 1e-9), (outer_top - spring) / np.maximum(ray[:, 1], 1e-9)
        )
        outer = reach[:, None] * ray
    else:
        inner = np.array([[half, 0.0], [-half, 0.0]])
        outer = np.array([[outer_half, o.border], [-outer_half, o.border]])
    low = [[half, -spring]], [[-half, -spring]]
    low_out = [[outer_half, -spring]], [[-outer_half, -spring]]
    lift = np.array([0.0, spring])
    return np.concatenate([low[0], inner, low[1]]) + lift, np.concatenate(
        [low_out[0], outer, low_out[1]]
    ) + lift


def strip(rim_a, za, rim_b, zb, kind, flat):
    rows = [np.column_stack([rim, np.full(len(rim), z)]) for rim, z in ((rim_a, za), (rim_b, zb))]
    points = np.stack(rows)
    if flat:
        uv = points[..., :2]
    else:
        arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(rim_a, axis=0), axis=1))])
        uv = np.stack(
            [np.stack([arc, np.zeros_like(arc)], 1), np.stack([arc, np.full_like(arc, abs(zb - za))], 1)]
        )
    return grid(points, uv, kind)


def opening(o: Opening) -> list[Patch]:
    """The surround, the reveal, the panel and the sill, about the wall plane z = 0 with the sill at y = 0."""
    inner, outer = outlines(o)
    centre = np.array([0.0, o.height - (o.width / 2 if o.arch else o.height / 2)])
    rim = np.column_stack([inner, np.full(len(inner), -o.depth)])
    hub = np.broadcast_to([*centre, -o.depth], rim.shape)
    pos = np.stack([rim, np.roll(rim, -1, axis=0), hub], 1)
    panel = cleaned(pos, pos[..., :2] + [o.width / 2, 0], pos / [o.width, o.height, 1], o.panel)
    out = [
        strip(outer, o.proud, inner, o.proud, o.surround, True),
        strip(outer, -o.buried, outer, o.proud, o.surround, False),
        strip(inner, o.proud, inner, -o.depth, o.surround, False),
        panel,
    ]
    if o.sill:
        deep = o.depth + o.proud + 0.07
        size = (o.width + 2 * o.border + 0.1, 0.12, deep)
        out += box(size, o.surround, at=(0, -0.06, o.proud + 0.07 - deep / 2), hide="k")
    return out


def wall(width, height, holes, kind, gable=0.0):
    """A wall in the plane z = 0, x centred, with rectangular holes (x0, x1, y0, y1) and maybe a gable."""
    xs = {-width / 2, width / 2} | {x for h in holes for x in h[:2]} | ({0.0} if gable else set())
    ys = {0.0, height} | {y for h in holes for y in h[2:]}
    x, y = np.array(sorted(xs)), np.array(sorted(ys))
    gx, gy = np.meshgrid(x, y)
    points = np.stack([gx, gy, 0 * gx], -1)
    mid_x, mid_y = np.meshgrid((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2)
    keep = np.ones(mid_x.shape, bool)
    for x0, x1, y0, y1 in holes:
        keep &= ~((mid_x > x0) & (mid_x < x1) & (mid_y > y0) & (mid_y < y1))
    sheet = grid(points, points[..., :2], kind, keep)
    if not gable:
        return sheet
    tip = np.array([0.0, height + gable, 0.0])
    base = np.column_stack([x, np.full(len(x), height), np.zeros(len(x))])
    pos = np.stack([base[:-1], base[1:], np.broadcast_to(tip, base[1:].shape)], 1)
    return joined([sheet, cleaned(pos, pos[..., :2], pos, kind)])
