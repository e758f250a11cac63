"""Building blocks: patches of triangles that carry metric UVs, and the primitive shapes made of them.

A patch is one island of a texture. Its UVs are in metres, so that the packer can give all islands the
same texel density. `obj` keeps a primitive's own coordinates, which the painters read: bands, courses and
wood grain follow the piece and not the place where it ends up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Patch:
    """Triangles of one texture island: corners (f, 3, 3), UVs in metres (f, 3, 2), object space (f, 3, 3)."""

    pos: np.ndarray
    uv: np.ndarray
    obj: np.ndarray
    kind: str
    density: float = 1.0


def moved(patches, shift=(0, 0, 0), matrix=None):
    m = np.eye(3) if matrix is None else matrix
    return [replace(p, pos=p.pos @ m.T + np.asarray(shift, float)) for p in patches]


def turn_y(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_z(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def turn_x(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def joined(patches, kind=None):
    """One island from patches whose UVs already fit together."""
    first = patches[0]
    parts = [np.concatenate([getattr(p, a) for p in patches]) for a in ("pos", "uv", "obj")]
    return Patch(*parts, kind or first.kind, first.density)


def cleaned(pos, uv, obj, kind, density=1.0):
    """A patch without the triangles that a pole or a closed tip flattens to a line."""
    area = np.linalg.norm(np.cross(pos[:, 1] - pos[:, 0], pos[:, 2] - pos[:, 0]), axis=1)
    keep = area > 1e-7
    return Patch(pos[keep], uv[keep], obj[keep], kind, density)


def grid(points, uv, kind, keep=None, obj=None, density=1.0):
    """A sheet: points (m, n, 3) with columns to the right and rows upwards, as seen from its outside."""
    m, n = points.shape[:2]
    index = np.arange(m * n).reshape(m, n)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    quads = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2)
    if keep is not None:
        quads = quads[keep]
    faces = quads.reshape(-1, 3)
    obj = points if obj is None else obj
    return cleaned(*(x.reshape(m * n, -1)[faces] for x in (points, uv, obj)), kind, density)


def lathe(profile, segments, kind, keep=None, flat=False, density=1.0, start=-np.pi):
    """A surface of revolution about y; the profile (r, y) runs upwards outside, inwards on a top.

    The angle counts from +z towards +x. `flat` lays the island out as a disc, seen from its outside.
    """
    profile = np.asarray(profile, float)
    angle = start + np.linspace(0, 2 * np.pi, segments + 1)
    r, y = profile[:, :1], profile[:, 1:]
    points = np.stack(np.broadcast_arrays(r * np.sin(angle), y, r * np.cos(angle)), -1)
    step = np.hypot(np.diff(profile[:, 0]), np.diff(profile[:, 1]))
    arc = np.concatenate([[0], np.cumsum(step)])[:, None]
    if flat:
        up = profile[-1, 0] < profile[0, 0]
        radius = arc[-1] - arc + profile[-1, 0] if up else arc + profile[0, 0]
        side = -1.0 if up else 1.0
        uv = np.stack([radius * np.sin(angle), side * radius * np.cos(angle)], -1)
    else:
        weight = np.maximum(step, 1e-9)
        mean = np.sum((profile[1:, 0] + profile[:-1, 0]) / 2 * weight) / weight.sum()
        uv = np.stack(np.broadcast_arrays(mean * angle, arc), -1)
    obj = np.stack(np.broadcast_arrays(angle, y, r), -1)
    return grid(points, uv, kind, keep, obj, density)


def box(size, kind, at=(0, 0, 0), hide="b", kinds=None, density=1.0):
    """A box about `at`, unfolded as a cross; `hide` names the faces to leave out (f r k l t b)."""
    w, h, d = size
    x, y, z = w / 2, h / 2, d / 2
    kinds = kinds or {}
    # name: lower left corner, right edge, up edge, UV of the lower left corner
    sides = {
        "f": ((-x, -y, z), (w, 0, 0), (0, h, 0), (0, 0)),
        "r": ((x, -y, z), (0, 0, -d), (0, h, 0), (w, 0)),
        "k": ((x, -y, -z), (-w, 0, 0), (0, h, 0), (w + d, 0)),
        "l": ((-x, -y, -z), (0, 0, d), (0, h, 0), (-d, 0)),
        "t": ((-x, y, z), (w, 0, 0), (0, 0, -d), (0, h)),
        "b": ((-x, -y, -z), (w, 0, 0), (0, 0, d), (0, -d)),
    }
    order = np.argsort(-np.asarray(size), kind="stable")
    groups: dict[str, list[Patch]] = {}
    for name, (corner, right, up, uv0) in sides.items():
        if name in hide:
            continue
        i, j = np.meshgrid([0.0, 1.0], [0.0, 1.0], indexing="ij")
        p = np.asarray(corner) + i[..., None] * np.asarray(up) + j[..., None] * np.asarray(right)
        size2 = np.array([np.linalg.norm(right), np.linalg.norm(up)])
        uv = np.asarray(uv0) + np.stack([j, i], -1) * size2
        patch_kind = kinds.get(name, kind)
        patch = grid(p + np.asarray(at, float), uv, patch_kind, obj=p[..., order], density=density)
        groups.setdefault(patch_kind, []).append(patch)
    return [joined(g) for g in groups.values()]


def tube(path, radius, kind, sides=6, closed=False, caps=True):
    """A round bar along a path (n, 3); a closed path joins its ends."""
    path = np.asarray(path, float)
    if closed:
        path = np.concatenate([path, path[:1]])
    ahead = np.gradient(path, axis=0)
    if closed:
        ahead[0] = ahead[-1] = path[1] - path[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    radius = np.broadcast_to(radius, len(path))[:, None, None]
    hint = np.array([0.0, 1.0, 0.0]) if np.abs(ahead[:, 1]).max() < 0.9 else np.array([0.0, 0.0, 1.0])
    a = np.cross(ahead, hint)
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b = np.cross(ahead, a)
    t = np.linspace(0, 2 * np.pi, sides + 1)[:, None]
    ring = np.cos(t) * a[:, None] + np.sin(t) * b[:, None]
    points = path[:, None] + radius * ring
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    girth = 2 * np.pi * radius.mean() * t[:, 0] / (2 * np.pi)
    uv = np.stack(np.broadcast_arrays(girth, along[:, None]), -1)
    obj = np.stack(np.broadcast_arrays(along[:, None], girth, 0 * girth), -1)
    out = [grid(points, uv, kind, obj=obj)]
    if caps and not closed:
        for end, order in ((0, -1), (len(path) - 1, 1)):
            out.append(fan(points[end, :-1][::order], path[end], kind))
    return out


def fan(rim, centre, kind):
    """A flat cap: the rim (n, 3) runs counter-clockwise as seen from outside."""
    nxt = np.roll(rim, -1, axis=0)
    pos = np.stack([rim, nxt, np.broadcast_to(centre, rim.shape)], 1)
    normal = np.cross(pos[:, 1] - pos[:, 0], pos[:, 2] - pos[:, 0]).sum(0)
    normal /= np.linalg.norm(normal)
    up = np.array([0.0, 1.0, 0.0]) if abs(normal[1]) < 0.9 else np.array([0.0, 0.0, -1.0])
    right = np.cross(up, normal)
    right /= np.linalg.norm(right)
    flat = pos - np.asarray(centre)
    uv = np.stack([flat @ right, flat @ np.cross(normal, right)], -1)
    obj = np.concatenate([uv, np.zeros_like(uv[..., :1])], -1)
    return cleaned(pos, uv, obj, kind)


def quad(corner, right, up, kind, cells=(1, 1), density=1.0):
    """A flat rectangle from its lower left corner, as seen from outside."""
    i, j = np.meshgrid(np.linspace(0, 1, cells[1] + 1), np.linspace(0, 1, cells[0] + 1), indexing="ij")
    right, up = np.asarray(right, float), np.asarray(up, float)
    points = np.asarray(corner, float) + j[..., None] * right + i[..., None] * up
    uv = np.stack([j * np.linalg.norm(right), i * np.linalg.norm(up)], -1)
    obj = np.concatenate([uv, np.zeros_like(uv[..., :1])], -1)
    return grid(points, uv, kind, obj=obj, density=density)
