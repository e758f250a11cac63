"""The palette of a MagicaVoxel file, and choosing one for painted voxels."""

from __future__ import annotations

import numpy as np

from nst3d.images.quantise import quantise
from nst3d.tensors import Array


def default_palette() -> Array:
    """(256, 4) uint8 RGBA by colour index, the default for files without a palette; entry 0 is unused.

    A 6 × 6 × 6 cube, blue fastest, from white down but without black, then ramps of red, green, blue and grey.
    """
    levels = np.arange(255, -1, -51)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)[:-1]
    ramp = np.array([238, 221, 187, 170, 136, 119, 85, 68, 34, 17])
    ramps = [ramp[:, None] * np.array(mask) for mask in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1))]
    colours = np.concatenate([[(0, 0, 0)], cube, *ramps])
    return np.concatenate([colours, np.where(np.arange(256) > 0, 255, 0)[:, None]], axis=1).astype(np.uint8)


def repainted(
    palette: Array, materials: Array, indices: Array, colours: Array, weights: Array
) -> tuple[Array, Array]:
    """The palette (256, 4) and colour indices (n,) that best match `colours` (n, 3) uint8.

    A voxel keeps its material: it uses an entry with the same value in `materials` (256,). Entries in use by
    the voxels are replaced first, in ascending order; the others stay as long as possible. `weights` (n,) > 0
    are the voxels' weights in the fit.
    """
    painted, chosen = palette.copy(), indices.copy()
    used = np.bincount(indices, minlength=256) > 0
    for material in np.unique(materials[indices]):
        entries = np.flatnonzero(materials == material)
        entries = entries[entries > 0]
        entries = entries[np.argsort(~used[entries], kind="stable")]
        mine = materials[indices] == material
        few, entry = quantise(colours[mine], weights[mine], len(entries))
        painted[entries[: len(few)], :3] = few
        chosen[mine] = entries[entry]
    return painted, chosen
