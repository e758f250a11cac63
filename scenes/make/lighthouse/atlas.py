"""Texture atlases: packs islands by their true shapes, and finds which point of which triangle a texel shows."""

from __future__ import annotations

import numpy as np

CELL = 4
"""Islands are placed on a lattice of this many texels, and stay at least so far apart."""


def raster(uv, size):
    """For texel centres inside triangles (f, 3, 2), in texels from the bottom: texel index, triangle, weights."""
    low = np.clip(np.ceil(uv.min(1) - 0.5), 0, size - 1).astype(int)
    high = np.clip(np.floor(uv.max(1) - 0.5), -1, size - 1).astype(int)
    span = np.maximum(high - low + 1, 0)
    count = span[:, 0] * span[:, 1]
    tri = np.repeat(np.arange(len(uv)), count)
    k = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    x, y = low[tri, 0] + k % span[tri, 0], low[tri, 1] + k // span[tri, 0]
    a, b, c = uv[tri, 0], uv[tri, 1], uv[tri, 2]
    p = np.stack([x, y], 1) + 0.5

    def cross(o, s, t):
        return (s[:, 0] - o[:, 0]) * (t[:, 1] - o[:, 1]) - (s[:, 1] - o[:, 1]) * (t[:, 0] - o[:, 0])

    whole = cross(a, b, c)
    whole = np.where(np.abs(whole) < 1e-12, np.inf, whole)
    w = np.stack([cross(p, b, c), cross(p, c, a), cross(p, a, b)], 1) / whole[:, None]
    inside = (w >= -1e-9).all(1) & np.isfinite(whole)
    return (y * size + x)[inside], tri[inside], w[inside]


def cell_mask(uv):
    """The lattice cells that an island touches, its UVs in texels from its own lower left corner."""
    side = int(np.ceil((uv.max() + 2) / CELL)) + 1
    edge = np.concatenate([np.linspace(uv[:, i], uv[:, j], 9) for i, j in ((0, 1), (1, 2), (2, 0))]).reshape(
        -1, 2
    )
    mask = np.zeros((side, side), bool)
    texel, _, _ = raster(uv, side * CELL)
    mask[(texel // (side * CELL)) // CELL, (texel % (side * CELL)) // CELL] = True
    for dx in (-0.5, 0.5):
        for dy in (-0.5, 0.5):
            cell = np.maximum((edge + np.array([dx, dy])) // CELL, 0).astype(int)
            mask[cell[:, 1], cell[:, 0]] = True
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[: rows[-1] + 1, : cols[-1] + 1]


def grown(mask):
    """A mask with one more cell on all sides."""
    wide = np.pad(mask, 1)
    out = wide.copy()
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            out |= np.roll(wide, (dy, dx), (0, 1))
    return out


def place(masks, cells):
    """Lower left cells for all masks, first fit from the bottom, or None where they do not fit."""
    size = cells + 2
    taken = np.zeros((size, size))
    spots = []
    for mask in masks:
        want = grown(mask)
        h, w = want.shape
        if h > size or w > size:
            return None
        pad = np.zeros((size, size))
        pad[:h, :w] = want
        hits = np.fft.irfft2(np.fft.rfft2(taken) * np.conj(np.fft.rfft2(pad)), s=(size, size))
        free = np.argwhere(hits[: size - h + 1, : size - w + 1] < 0.5)
        if not len(free):
            return None
        y, x = free[np.argmin(free[:, 0] + 0.3 * free[:, 1] + 0.01 * free[:, 1])]
        taken[y + 1 : y + h - 1, x + 1 : x + w - 1] += mask
        spots.append((x, y))
    return spots


def flat_area(uv):
    a, b = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    return np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2


def laid_down(uv):
    """An island turned by 90 degrees where it is taller than wide."""
    tall = np.ptp(uv[..., 1]) > np.ptp(uv[..., 0])
    return uv[..., ::-1] * [1, -1] + np.array([0, uv[..., 0].max()]) if tall else uv


def pack(patches, size):
    """UVs in texels (one (f, 3, 2) array a patch) and the texels a metre at density 1."""
    flat = [p.uv - p.uv.min((0, 1)) for p in patches]
    turned = [laid_down(u) * p.density for u, p in zip(flat, patches)]
    area = sum(flat_area(u) for u in turned)
    scale = 0.96 * size / np.sqrt(area)
    while True:
        scaled = [u * scale + 1.0 for u in turned]
        masks = [cell_mask(u) for u in scaled]
        order = sorted(range(len(masks)), key=lambda i: (-max(masks[i].shape) - 0.02 * masks[i].sum(), i))
        if masks[order[0]].sum() < (size // CELL) ** 2:
            spots = place([masks[i] for i in order], size // CELL - 1)
            if spots is not None:
                break
        scale *= 0.975
    out = [None] * len(masks)
    for i, (x, y) in zip(order, spots):
        out[i] = scaled[i] + np.array([x, y]) * CELL + CELL / 2
    return out, scale


def filled(image, known, rounds=10):
    """An image (h, w, c) whose unknown texels repeat their known neighbours, then take the mean colour."""
    image, known = image.copy(), known.copy()
    mean = image[known].mean(0)
    for _ in range(rounds):
        total, count = np.zeros_like(image), np.zeros(known.shape)
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            near = np.roll(known, (dy, dx), (0, 1))
            total += np.roll(image * known[..., None], (dy, dx), (0, 1))
            count += near
        fresh = ~known & (count > 0)
        image[fresh] = total[fresh] / count[fresh][:, None]
        known |= fresh
    image[~known] = mean
    return image
