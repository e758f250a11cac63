"""Flights past a tilted plane with a texture, whose geometry is known exactly."""

from __future__ import annotations

import math

import numpy as np

from nst3d.cameras.pinhole import perspective
from nst3d.metrics.footage import Footage
from nst3d.metrics.warp import Seen
from nst3d.tensors import Array, ImageSize

SIZE = ImageSize(96, 96)
SIDE = 1.5
"""Half the side of the plane, in which the texture lies; around it is the background."""
_NORMAL = np.array([0.3, 0.1, -1.0]) / np.linalg.norm([0.3, 0.1, -1.0])
_SUPERSAMPLES = 3
_SIDE = 256


def flight(texture: Array, count: int = 9, size: ImageSize = SIZE, step: float = 0.06) -> Footage:
    """Frames of a plane 4 away, tilted by some 17 degrees, from a camera that moves to the right by `step` a frame."""
    frames, opacities, seen = [], [], []
    for number in range(count):
        pose = np.eye(4)
        pose[:3, 3] = (number - (count - 1) / 2) * step, 0.02 * number, 0
        camera = perspective(pose, size, math.radians(50))
        fine = camera.scaled(_SUPERSAMPLES)
        colour, held, _ = _seen_by(fine, texture)
        shape = (size.height, _SUPERSAMPLES, size.width, _SUPERSAMPLES, -1)
        frames.append(colour.reshape(shape).mean((1, 3), dtype=np.float32))
        opacities.append(held.astype(np.float32).reshape(shape[:-1]).mean((1, 3)))
        _, held, depth = _seen_by(camera, texture)
        seen.append(Seen(camera, np.where(held, depth, np.inf)))
    return Footage(tuple(frames), tuple(opacities), tuple(seen))


def strokes(
    seed: int, length: float = 14.0, width: float = 4.0, count: int = 700, content: Array | None = None
) -> Array:
    """A texture (256, 256, 3) of short strokes of six colours, drawn along waves over each other.

    The seed chooses the colours; each stroke has a random one, or one as dark as `content` is there, by rank.
    """
    rng = np.random.default_rng(seed)
    palette = rng.random((6, 3))
    palette = palette[palette.mean(1).argsort()]
    reach = int(2 * length)
    side = _SIDE + 2 * reach
    light = rng.random((side, side)) if content is None else np.pad(content.mean(-1), reach, mode="edge")
    ranks = np.searchsorted(np.quantile(light, np.arange(1, 6) / 6), light)
    picture = palette[ranks]
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    for x, y, shade in zip(
        rng.integers(reach, side - reach, count),
        rng.integers(reach, side - reach, count),
        rng.uniform(-0.12, 0.12, count),
    ):
        angle = 2 * math.sin(x / 40) + math.cos(y / 30)
        along, across = (
            dx * math.cos(angle) + dy * math.sin(angle),
            dy * math.cos(angle) - dx * math.sin(angle),
        )
        inside = (along / length) ** 2 + (across / width) ** 2 < 1
        picture[y - reach : y + reach + 1, x - reach : x + reach + 1][inside] = palette[ranks[y, x]] + shade
    return np.clip(picture[reach:-reach, reach:-reach], 0, 1).astype(np.float32)


def photograph(seed: int, side: int = _SIDE) -> Array:
    """A texture (side, side, 3) like a photograph's: soft shapes of little colour with fine grain."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)) + 2 / side
    spectrum = np.fft.fft2(rng.standard_normal((3, side, side))) / frequency**1.8
    noise = np.fft.ifft2(spectrum).real
    grey = noise.mean(0)
    noise = 0.85 * grey + 0.15 * noise
    return np.clip(0.5 + 0.17 * (noise / noise.std()).transpose(1, 2, 0), 0, 1).astype(np.float32)


def flickering(footage: Footage, amount: float, seed: int = 0) -> Footage:
    """The footage with soft spots of noise, of a standard deviation of `amount`, that are others in each frame."""
    rng = np.random.default_rng(seed)
    frames = []
    for frame, opacity in zip(footage.frames, footage.opacities):
        coarse = rng.standard_normal((-(-frame.shape[0] // 3), -(-frame.shape[1] // 3), 3))
        noise = coarse.repeat(3, 0).repeat(3, 1)[: frame.shape[0], : frame.shape[1]]
        frames.append(np.clip(frame + amount * noise * opacity[..., None], 0, 1).astype(np.float32))
    return footage.showing(frames)


def _seen_by(camera, texture: Array) -> tuple[Array, Array, Array]:
    """Colours (h, w, 3), what is on the plane (h, w) bool, and depths (h, w)."""
    origin, rays = camera.rays()
    depth = ((np.array([0, 0, 4.0]) - origin) @ _NORMAL) / (rays @ _NORMAL)
    points = origin + rays * depth[..., None]
    places = (points[..., :2] / SIDE + 1) / 2  # the texture is seen along z
    held = ((places > 0) & (places < 1)).all(-1)
    side = len(texture)
    at = np.clip(places * side - 0.5, 0, side - 1.001)
    low = at.astype(int)
    right, down = (at - low)[..., 0, None], (at - low)[..., 1, None]
    x, y = low[..., 0], low[..., 1]
    above = texture[y, x] * (1 - right) + texture[y, x + 1] * right
    below = texture[y + 1, x] * (1 - right) + texture[y + 1, x + 1] * right
    colours = above * (1 - down) + below * down
    return np.where(held[..., None], colours, 0.9).astype(np.float32), held, depth
