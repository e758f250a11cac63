"""Scalar fields, noise and colour ramps from which the style paintings are composed (numpy and Pillow only)."""

from __future__ import annotations

import numpy as np
from PIL import Image

Array = np.ndarray


def grid(h: int, w: int) -> tuple[Array, Array]:
    """Pixel centres (x, y), each (h, w), in units of the long side, top row first."""
    long = max(h, w)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    return (x + 0.5) / long, (y + 0.5) / long


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Hermite step from 0 at `low` to 1 at `high`; `low` may exceed `high`."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def hexes(codes: str) -> Array:
    """Colours (n, 3) in [0, 1] from space-separated hexadecimal codes."""
    return np.array([[int(c[i : i + 2], 16) / 255.0 for i in (0, 2, 4)] for c in codes.split()], np.float32)


def ramp(t: Array, stops: Array) -> Array:
    """Colour (..., 3) at `t` in [0, 1] along evenly spaced `stops` (n, 3)."""
    where = np.linspace(0.0, 1.0, len(stops))
    return np.stack([np.interp(t, where, stops[:, c]) for c in range(3)], -1).astype(np.float32)


def over(base: Array, mask: Array, colour: Array) -> Array:
    """`colour` laid over `base` (h, w, 3) where `mask` (h, w) is 1."""
    return base + (colour - base) * mask[..., None]


def blur(image: Array, sigma: float) -> Array:
    """Gaussian blur of (h, w) or (h, w, c) by `sigma` pixels, mirrored at the border."""
    pad = int(3 * sigma) + 1
    h, w = image.shape[:2]
    big = np.pad(image, ((pad, pad), (pad, pad)) + ((0, 0),) * (image.ndim - 2), mode="symmetric")
    fy = np.fft.fftfreq(big.shape[0])[:, None]
    fx = np.fft.rfftfreq(big.shape[1])[None, :]
    gain = np.exp(-2.0 * (np.pi * sigma) ** 2 * (fy**2 + fx**2))
    gain = gain.reshape(gain.shape + (1,) * (image.ndim - 2))
    out = np.fft.irfft2(np.fft.rfft2(big, axes=(0, 1)) * gain, s=big.shape[:2], axes=(0, 1))
    return out[pad : pad + h, pad : pad + w].astype(np.float32)


def noise(
    rng: np.random.Generator,
    h: int,
    w: int,
    cell: float,
    octaves: int = 4,
    stretch: float = 1.0,
    gain: float = 0.55,
) -> Array:
    """Fractal noise (h, w) spread over [0, 1].

    `cell` is the largest feature in pixels (vertical), `stretch` how many times longer it is horizontally.
    """
    total = np.zeros((h, w), np.float32)
    amplitude = 1.0
    for _ in range(octaves):
        rows, columns = int(h / cell) + 3, int(w / (cell * stretch)) + 3
        lattice = Image.fromarray(rng.random((rows, columns), dtype=np.float32))
        box = (0.7, 0.7, 0.7 + w / (cell * stretch), 0.7 + h / cell)
        total += amplitude * np.asarray(lattice.resize((w, h), Image.Resampling.BICUBIC, box=box))
        amplitude *= gain
        cell /= 2.0
    low, high = np.percentile(total, [0.5, 99.5])
    return np.clip((total - low) / (high - low), 0.0, 1.0)


def sample(image: Array, x: Array, y: Array) -> Array:
    """Bilinear lookup of `image` at pixel positions (x, y), clamped to the border."""
    h, w = image.shape[:2]
    x, y = np.clip(x - 0.5, 0, w - 1.001), np.clip(y - 0.5, 0, h - 1.001)
    x0, y0 = x.astype(np.int32), y.astype(np.int32)
    fx, fy = x - x0, y - y0
    if image.ndim == 3:
        fx, fy = fx[..., None], fy[..., None]
    top = image[y0, x0] * (1 - fx) + image[y0, x0 + 1] * fx
    bottom = image[y0 + 1, x0] * (1 - fx) + image[y0 + 1, x0 + 1] * fx
    return (top * (1 - fy) + bottom * fy).astype(np.float32)


def wobble(rng: np.random.Generator, image: Array, cell: float, shift: float) -> Array:
    """`image` displaced by smooth noise of up to `shift` pixels: turns ruled edges into hand-cut ones."""
    h, w = image.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) + 0.5
    dx, dy = (2.0 * shift * (noise(rng, h, w, cell, 3) - 0.5) for _ in range(2))
    return sample(image, x + dx, y + dy)


def distance(mask: Array, reach: int) -> Array:
    """Euclidean distance in pixels from each pixel to the nearest true one, capped at `reach`."""
    far = float(reach * reach)
    h, w = mask.shape
    columns = np.full((h, w), far, np.float32)
    square = np.full((h, w), far, np.float32)
    for axis, source, target in (
        (0, np.where(mask, 0.0, far).astype(np.float32), columns),
        (1, columns, square),
    ):
        for step in range(-reach, reach + 1):
            a, b = max(0, step), min(source.shape[axis], source.shape[axis] + step)
            to = (slice(a, b),) if axis == 0 else (slice(None), slice(a, b))
            of = (slice(a - step, b - step),) if axis == 0 else (slice(None), slice(a - step, b - step))
            target[to] = np.minimum(target[to], source[of] + step * step)
    return np.sqrt(square)


def borders(labels: Array) -> Array:
    """True where an integer label differs from its right or lower neighbour."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def voronoi(x: Array, y: Array, sites: Array) -> Array:
    """Index (h, w) of the nearest of `sites` (n, 2), by brute force."""
    best = np.full(x.shape, np.inf, np.float32)
    label = np.zeros(x.shape, np.int32)
    for i, (sx, sy) in enumerate(sites):
        d = (x - sx) ** 2 + (y - sy) ** 2
        closer = d < best
        best[closer] = d[closer]
        label[closer] = i
    return label


def save(name: str, rgb: Array) -> None:
    """Write (h, w, 3) in [0, 1] to `name`, JPEG quality 90."""
    Image.fromarray((np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)).save(name, quality=90, subsampling=0)
