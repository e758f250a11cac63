"""Photographs of the lighthouse that ships with nst3d on textured ground, and how well their cameras are found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nst3d.cameras.orbits import Orbit
from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.formats.mesh_files import load_mesh
from nst3d.images.io import write_image
from nst3d.pipeline.kinds.mesh.shown import show_mesh
from nst3d.renderers.frames import draw_frame
from nst3d.tensors import Array, ImageSize

SIZE = ImageSize(300, 400)
_SCENE = Path(__file__).resolve().parents[2] / "scenes" / "lighthouse" / "lighthouse.glb"


def photograph_lighthouse(folder: Path, count: int, size: ImageSize = SIZE) -> list[Camera]:
    """Write photographs 00.png … from a walk around the lighthouse; its cameras, centre 0 and half diagonal 1."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = show_mesh(load_mesh(_SCENE), Orbit(1, size))
    up, base = shown.surface.up, float((shown.hull @ shown.surface.up).min())
    cameras = _walk(shown.orientation.axes(), count, size)
    for index, camera in enumerate(cameras):
        image = draw_frame(shown.renderer, camera, shown.colours, "none")
        picture = image[..., :3] + (1 - image[..., 3:]) * _ground(camera, up, base)
        write_image(folder / f"{index:02d}.png", picture.clip(0, 1))
    return cameras


def _walk(axes: Array, count: int, size: ImageSize) -> list[Camera]:
    """Once around, at changing height; axes' columns are right, up and front."""
    turn = np.arange(count) / count * 2 * np.pi
    rise = 0.8 + 0.3 * np.sin(3 * turn)
    local = np.stack([1.7 * np.sin(turn), rise, 1.7 * np.cos(turn)], axis=1)
    target = axes @ np.array([0, -0.25, 0])
    return [perspective(look_at(place @ axes.T, target, axes[:, 1]), size, np.radians(50)) for place in local]


def _ground(camera: Camera, up: Array, base: float) -> Array:
    """What a camera sees of a plane at height `base` with a pattern of many sizes, and of the sky above."""
    origin, directions = camera.rays()
    fall = directions @ up
    far = np.where(fall < -1e-3, (base - origin @ up) / np.minimum(fall, -1e-3), np.inf)
    hit = np.isfinite(far) & (far < 20)
    points = origin + directions * np.where(hit, far, 0)[..., None]
    side = np.cross(up, np.roll(up, 1))
    flat = np.stack([points @ side, points @ np.cross(up, side)], axis=-1)
    layers = [_noise(flat * 2.0**k, k) - 0.5 for k in range(1, 7)]
    grey = (0.5 + 0.55 * sum(layers)).clip(0, 1)
    tint = np.stack([grey, 0.9 * grey + 0.05, 0.7 * grey + 0.1], axis=-1)
    return np.where(hit[..., None], tint, [0.6, 0.75, 0.9])


def _noise(places: Array, seed: int) -> Array:
    """Random values in [0, 1] at the nodes of a grid of 64 x 64, bilinearly interpolated and repeated."""
    table = np.random.default_rng(seed).random((64, 64))
    low = np.floor(places).astype(int)
    part = places - low
    x, y = low[..., 0] % 64, low[..., 1] % 64
    u, v = part[..., 0], part[..., 1]
    near = table[y, x] * (1 - u) + table[y, (x + 1) % 64] * u
    far = table[(y + 1) % 64, x] * (1 - u) + table[(y + 1) % 64, (x + 1) % 64] * u
    return near * (1 - v) + far * v


def misplaced(found: list[Camera], true: list[Camera]) -> tuple[Array, Array]:
    """Errors of cameras after the similarity that fits their positions best: degrees, and lengths in true units."""
    a, b = (np.stack([c.position for c in cameras]) for cameras in (found, true))
    centred = a - a.mean(0), b - b.mean(0)
    left, scales, right = np.linalg.svd(centred[1].T @ centred[0])
    sign = np.diag([1, 1, np.sign(np.linalg.det(left @ right))])
    turn = left @ sign @ right
    scale = (scales * np.diag(sign)).sum() / (centred[0] ** 2).sum()
    lengths = np.linalg.norm(scale * centred[0] @ turn.T - centred[1], axis=1)
    rotations = [turn @ f.camera_to_world[:3, :3] @ t.camera_to_world[:3, :3].T for f, t in zip(found, true)]
    cosines = [(np.trace(r) - 1) / 2 for r in rotations]
    return np.degrees(np.arccos(np.clip(cosines, -1, 1))), lengths
