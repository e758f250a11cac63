"""Pictures that bring out the faults which style transfer is known for, and what measures them."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.images.oklab import oklab
from nst3d.images.resize import resize
from nst3d.tensors import Array, Image, ImageSize

SIDE = 128
SUN = np.array([1, 0.85, 0.3])


def blurred(plane: Array, sigma: float) -> Array:
    """A plane (h, w, …) under a Gaussian, mirrored at its borders."""
    reach = int(3 * sigma + 0.5)
    kernel = np.exp(-((np.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    for axis in (0, 1):
        around = [(reach, reach) if a == axis else (0, 0) for a in range(plane.ndim)]
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(plane, around, mode="reflect"), len(kernel), axis
        )
        plane = windows @ (kernel / kernel.sum())
    return plane


def resized(picture: Array, height: int, width: int) -> Array:
    pixels = torch.from_numpy(np.asarray(picture, np.float32))
    return resize(Image(pixels), ImageSize(height, width)).numpy().clip(0, 1)


def in_oklab(picture: Array) -> Array:
    """Lightness and both axes of colour (h, w, 3)."""
    return oklab(torch.from_numpy(picture.reshape(-1, 3)).double()).numpy().reshape(picture.shape)


def _noise(sigma: float, channels: int, seed: int) -> Array:
    rough = blurred(np.random.default_rng(seed).standard_normal((SIDE, SIDE, channels)), sigma)
    return rough / rough.std()


def _grid() -> tuple[Array, Array]:
    y, x = np.mgrid[:SIDE, :SIDE]
    return y, x


def sun_in_the_blue() -> Array:
    """A bright disc on a cloudy dark ground."""
    ground = np.array([0.12, 0.2, 0.45]) + 0.05 * _noise(4, 1, 0) * np.array([0.6, 0.8, 1.0])
    ground = ground + 0.03 * _noise(1, 3, 1)
    y, x = _grid()
    inside = np.clip(SIDE * 0.15 - np.hypot(y - 56, x - 76) + 0.5, 0, 1)[..., None]
    return np.clip(ground * (1 - inside) + inside * SUN, 0, 1)


def hill_before_a_bare_sky() -> Array:
    """A dark hill in the lower quarter, and nothing but grey above it."""
    y, x = _grid()
    hill = (y > 92 + 10 * np.sin(x / 17))[..., None]
    return np.where(hill, np.clip(0.25 + 0.08 * _noise(2, 1, 2), 0, 1) * np.array([0.8, 1, 0.7]), 0.6)


def smooth() -> Array:
    """Broad bands of orange and blue without any detail."""
    y, x = (a / SIDE for a in _grid())
    way = (0.5 + 0.5 * np.sin(5 * x + 3 * y + 2 * np.sin(4 * y)))[..., None]
    return way * np.array([0.95, 0.6, 0.2]) + (1 - way) * np.array([0.1, 0.25, 0.6])


def neon() -> Array:
    """Thin bright lines on black."""
    y, x = _grid()
    lines = np.zeros((SIDE, SIDE, 3))
    for turn, colour in enumerate(([1, 0.1, 0.8], [0.1, 1, 0.9], [1, 0.9, 0.1], [0.3, 1, 0.2])):
        away = np.abs(np.sin(0.04 * (x * np.cos(turn) + y * np.sin(turn)) + turn))
        lines += np.clip(1 - away * 18, 0, 1)[..., None] * np.array(colour)
    return np.clip(lines, 0, 1)


def sketch() -> Array:
    """Dark lines on white paper."""
    y, x = _grid()
    paper = np.ones((SIDE, SIDE, 1))
    for k in range(4):
        wave = 9 * np.sin(y / 20 + k)
        away = np.abs(np.sin(0.05 * (x * np.cos(2 * k) + y * np.sin(2 * k) + wave)))
        paper = paper * (1 - 0.9 * np.clip(1 - away * 16, 0, 1)[..., None])
    return np.repeat(paper, 3, 2)


def flat() -> Array:
    """One colour."""
    return np.ones((64, 64, 3)) * np.array([0.2, 0.55, 0.5])
