"""Texel coverage: the face at each texel's centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.kernels import kernel
from nst3d.representations.surface import Surface, TexelBinding
from nst3d.representations.triangles import uv_areas
from nst3d.tensors import Array


@dataclass(frozen=True)
class Anchors:
    """A surface point for each row of the colour table."""

    face: Array
    """(n,) int32 face of the `Surface`, or -1 if there is none (a texel between islands)."""
    weights: Array
    """(n, 3) float32 barycentric weights."""

    @property
    def valid(self) -> Array:
        """Mask (n,) bool of the rows that are on a face."""
        return self.face >= 0

    def interpolate(self, corners: Array) -> Array:
        """Values (f, 3, c) at faces' corners, interpolated to (valid rows, c)."""
        rows = self.valid
        return np.einsum("nk,nkc->nc", self.weights[rows], corners[self.face[rows]])


def anchor_rows(surface: Surface) -> Anchors:
    """The surface point of each row of the table: a vertex, or the centre of a texel."""
    face = np.full(surface.num_colours, -1, np.int32)
    weights = np.zeros((surface.num_colours, 3), np.float32)
    if isinstance(surface.binding, TexelBinding):
        binding = surface.binding
        _rasterise(binding.corners, binding.slot, binding.slots, face, weights)
    else:
        for corner in range(3):
            rows = surface.binding.rows[:, corner]
            face[rows] = np.arange(len(rows), dtype=np.int32)
            weights[rows] = np.eye(3, dtype=np.float32)[corner]
    return Anchors(face, weights)


_CERTAIN = 4.0
"""UV area, in whole textures, above which a face is assumed to overlap itself by wrapping."""
_WORK = 64
"""Whole textures that faces' bounding boxes may fill before they are counted at a lower resolution."""


def overlaps(uvs: Array, most: float, resolution: int = 1024) -> bool:
    """Whether two or more faces share more than the fraction `most` of the texels that are used; also if none are.

    `uvs` is (f, 3, 2) and wraps around [0, 1]. Shared borders do not count: a texel counts for a face only if
    its centre is inside by a hundredth of the face. Counting stops as soon as the answer is certain.
    """
    areas = uv_areas(uvs)
    if (areas > _CERTAIN).any():
        return True
    boxes = float(np.ptp(uvs[areas > 0], axis=1).prod(axis=1).sum())
    if boxes > _WORK:  # many faces on few texels, which are enough to tell
        resolution = max(64, int(resolution * np.sqrt(_WORK / boxes)))
    counts = np.zeros((resolution, resolution), np.uint8)
    # Faces cannot use more texels than this, so that a larger share is more than the fraction.
    used = min(1.0, float(areas.sum())) * counts.size
    shared = _count(uvs.astype(np.float64), counts, most * used)
    return bool(shared > most * used or shared > most * np.count_nonzero(counts) or not counts.any())


@kernel()
def wrap_texel(index, count, mode):  # type: ignore[no-untyped-def]
    """The texel index wrapped to 0 … count − 1 by wrap mode (`WRAP_CODE`)."""
    if mode == 1:
        return min(max(index, 0), count - 1)
    if mode == 2:
        index = index % (2 * count)
        return index if index < count else 2 * count - 1 - index
    return index % count


@kernel()
def _edge_weights(ax, ay, bx, by, cx, cy, px, py):  # type: ignore[no-untyped-def]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0.0:
        return -1.0, -1.0, -1.0
    u = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) / area
    v = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / area
    return 1.0 - u - v, u, v


@kernel()
def _rasterise(corners, slot, slots, face, weights):  # type: ignore[no-untyped-def]
    for f in range(len(corners)):
        offset, height, width = slots[slot[f], 0], slots[slot[f], 1], slots[slot[f], 2]
        ax, ay = corners[f, 0, 0] * width, (1.0 - corners[f, 0, 1]) * height
        bx, by = corners[f, 1, 0] * width, (1.0 - corners[f, 1, 1]) * height
        cx, cy = corners[f, 2, 0] * width, (1.0 - corners[f, 2, 1]) * height
        left, right = int(np.floor(min(ax, bx, cx) - 0.5)), int(np.ceil(max(ax, bx, cx) + 0.5))
        top, bottom = int(np.floor(min(ay, by, cy) - 0.5)), int(np.ceil(max(ay, by, cy) + 0.5))
        for y in range(top, min(bottom, top + 4 * height)):
            for x in range(left, min(right, left + 4 * width)):
                w0, w1, w2 = _edge_weights(ax, ay, bx, by, cx, cy, x + 0.5, y + 0.5)
                if w0 < -1e-6 or w1 < -1e-6 or w2 < -1e-6:
                    continue
                row = offset + wrap_texel(y, height, slots[slot[f], 4]) * width
                row += wrap_texel(x, width, slots[slot[f], 3])
                if face[row] < 0:
                    face[row] = f
                    weights[row, 0], weights[row, 1], weights[row, 2] = w0, w1, w2


@kernel()
def _count(uvs, counts, most):  # type: ignore[no-untyped-def]
    # Returns how many texels two or more faces share, or the first such number above `most`.
    size, shared = counts.shape[0], 0
    for f in range(len(uvs)):
        ax, ay = uvs[f, 0, 0] * size, uvs[f, 0, 1] * size
        bx, by = uvs[f, 1, 0] * size, uvs[f, 1, 1] * size
        cx, cy = uvs[f, 2, 0] * size, uvs[f, 2, 1] * size
        left, right = int(np.floor(min(ax, bx, cx))), int(np.ceil(max(ax, bx, cx)))
        top, bottom = int(np.floor(min(ay, by, cy))), int(np.ceil(max(ay, by, cy)))
        for y in range(top, min(bottom, top + 4 * size)):
            for x in range(left, min(right, left + 4 * size)):
                w0, w1, w2 = _edge_weights(ax, ay, bx, by, cx, cy, x + 0.5, y + 0.5)
                if w0 > 0.01 and w1 > 0.01 and w2 > 0.01:
                    count = counts[y % size, x % size]
                    shared += count == 1
                    counts[y % size, x % size] = min(count + 1, 2)
        if shared > most:
            break
    return shared
