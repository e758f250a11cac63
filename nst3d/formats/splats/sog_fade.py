"""Fading the higher harmonics of some of a SOG scene's splats: they move to other entries of its palette."""

from __future__ import annotations

import numpy as np

from nst3d.formats.splats.rows import coefficients
from nst3d.formats.splats.sog_parts import SogFiles
from nst3d.tensors import Array

PALETTE_ROW = 64
"""Entries in one row of the palette's picture."""
_MOST = 1 << 16
"""Labels have 16 bits."""


def faded_palette(files: SogFiles, factors: Array) -> tuple[Array, Array, int]:
    """The pictures of the palette (h, w, 4) and the labels (h, w, 4) uint8, and the palette's number of entries.

    `factors` (n,) multiply the splats' harmonics. Those with factor 1 keep their entry; for the others, scaled
    entries are added from the values that the codebook has. If labels run out, they lose their harmonics.
    """
    section = files.meta["shN"]
    count, size = int(section["count"]), coefficients(section["bands"])
    pictures = [files.pixels("shN", number).copy() for number in (0, 1)]
    palette = _entries(pictures[0], size)[:count]
    texels = pictures[1].reshape(-1, 4)[: len(factors)]
    labels = texels[:, :2].astype(np.int64) @ np.array([1, 256])
    fades = (factors != 1) & (labels < count)  # labels beyond the palette have no harmonics to fade
    pairs = np.column_stack([np.where(factors > 0, labels, 0), factors])[fades]
    wanted, place = np.unique(pairs, axis=0, return_inverse=True)
    if count + len(wanted) > _MOST:
        wanted, place = np.zeros((1, 2)), np.zeros(len(pairs), np.int64)
    codebook = files.codebook("shN")
    scaled = codebook[palette[wanted[:, 0].astype(np.int64)][..., :3]] * wanted[:, 1, None, None]
    if count + len(wanted) > _MOST:
        faintest = np.abs(codebook[palette[..., :3]]).max((1, 2)).argmin()
        labels[fades] = faintest
    else:
        labels[fades] = count + place.reshape(-1)
        added = np.full((*scaled.shape[:2], 4), 255, np.uint8)
        added[..., :3] = _nearest(codebook, scaled)
        palette = np.concatenate([palette, added])
    texels[:, 0], texels[:, 1] = labels & 255, labels >> 8
    return _picture(palette), pictures[1], len(palette)


def _entries(picture: Array, size: int) -> Array:
    """The palette's entries (k, size, 4), in order."""
    return picture.reshape(-1, size, 4)


def _picture(palette: Array) -> Array:
    """The entries (k, size, 4) as a picture with a whole number of rows."""
    rows = -(-len(palette) // PALETTE_ROW)
    whole = np.zeros((rows * PALETTE_ROW, *palette.shape[1:]), np.uint8)
    whole[: len(palette)] = palette
    return whole.reshape(rows, PALETTE_ROW * palette.shape[1], 4)


def _nearest(codebook: Array, values: Array) -> Array:
    """The index of the codebook's value nearest to each value."""
    order = np.argsort(codebook)
    ordered = codebook[order]
    return order[np.searchsorted((ordered[1:] + ordered[:-1]) / 2, values)].astype(np.uint8)
