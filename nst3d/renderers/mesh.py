"""Compiles views of a triangle surface: a caster finds each sample's hit, numba builds the matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.kernels import kernel
from nst3d.operators.base import ViewOperator
from nst3d.operators.composite import Shaded
from nst3d.operators.sparse import Csr, SparseView
from nst3d.renderers.raycast import Caster, Hits, Raycaster
from nst3d.renderers.shading import Lighting, shade_samples
from nst3d.representations.surface import Surface, TexelBinding
from nst3d.representations.texels import wrap_texel
from nst3d.tensors import Array, Image, ImageSize


@dataclass(frozen=True)
class MeshViewOptions:
    """Options for compiling views of a surface."""

    samples: int = 2
    """Samples along each side of a pixel: 2 means 4 samples per pixel, averaged (anti-aliasing)."""
    lighting: Lighting = "none"
    """Fixed shading: none, headlight or studio."""


class MeshRenderer:
    """Compiles views of one surface."""

    def __init__(
        self, surface: Surface, caster: Raycaster | None = None, fragments: Caster | None = None
    ) -> None:
        """`caster` may come from another binding of the same triangles, to share its tree.

        `fragments` finds the hits of compiled views; None: `caster`. All other rays use `caster`.
        """
        self.surface = surface
        self.caster = caster or Raycaster(surface)
        self.fragments: Caster = fragments or self.caster

    def compile(self, camera: Camera, options: MeshViewOptions | None = None) -> ViewOperator:
        """The view from `camera` as a linear operator: texel or vertex weights, averaged over samples."""
        options = options or MeshViewOptions()
        return self.compile_lit(camera, options.samples, (options.lighting,))[0]

    def compile_lit(self, camera: Camera, samples: int, lightings: Sequence[Lighting]) -> list[ViewOperator]:
        """One view under several lightings, which share its matrix."""
        hits = self.fragments.view(camera, samples)
        view = assemble(self.surface, hits, camera.size, samples)
        lit: list[ViewOperator] = []
        for lighting in lightings:
            factors = shade_samples(self.surface, hits, camera, lighting)
            mean = _mean_over_hits(factors, hits.face >= 0, samples)
            lit.append(view if lighting == "none" else Shaded(view, Image(torch.from_numpy(mean))))
        return lit

    def paint_samples(
        self, hits: Hits, samples: int, camera: Camera, colours: Array, lighting: Lighting
    ) -> Array:
        """The image of `hits` without building the matrix, for frames that are rendered only once.

        `hits` has `samples` × `samples` for each pixel, `colours` is the table, (n, 3) float32. Returns
        premultiplied RGB and opacity, (h, w, 4) float32.
        """
        factors = shade_samples(self.surface, hits, camera, lighting)
        taps, args = _binding_arrays(self.surface)
        image = np.zeros((hits.face.shape[0] // samples, hits.face.shape[1] // samples, 4), np.float32)
        table = np.ascontiguousarray(colours, np.float32)
        _draw((hits.face, hits.u, hits.v, factors), samples, taps, *args, table, image)
        return image


def _binding_arrays(surface: Surface) -> tuple[int, tuple[Array, Array, Array]]:
    """Taps per sample, and the kernels' arrays: corner UVs, slots of faces, slots or rows."""
    binding = surface.binding
    if isinstance(binding, TexelBinding):
        return 4, (binding.corners, binding.slot, binding.slots)
    return 3, (np.zeros((1, 3, 2), np.float32), np.zeros(1, np.int32), binding.rows)


def assemble(surface: Surface, hits: Hits, size: ImageSize, samples: int) -> SparseView:
    """The sparse matrix of a view from its samples' hits (height · samples, width · samples)."""
    covered = _blocks(hits.face >= 0, samples).any(1)
    pixels = np.flatnonzero(covered).astype(np.int32)
    face, u, v = (np.ascontiguousarray(_blocks(a, samples)[pixels]) for a in (hits.face, hits.u, hits.v))
    taps, args = _binding_arrays(surface)
    columns = np.empty((len(pixels), face.shape[1] * taps), np.int32)
    weights = np.empty(columns.shape, np.float32)
    counts = np.zeros(len(pixels), np.int64)
    _fill_rows((face, u, v), taps, args, columns, weights, counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    packed = Csr(starts, np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32))
    _pack_rows(starts, columns, weights, packed.columns, packed.weights)
    return SparseView(size, surface.num_colours, pixels, packed)


def _blocks(samples: Array, k: int) -> Array:
    """(h · k, w · k) samples as (h · w, k · k), one row per pixel."""
    height, width = samples.shape[0] // k, samples.shape[1] // k
    return samples.reshape(height, k, width, k).swapaxes(1, 2).reshape(height * width, k * k)


def _mean_over_hits(values: Array, hit: Array, k: int) -> Array:
    """The mean of the samples that hit, (h, w, 1) float32; 1 where none hit."""
    height, width = values.shape[0] // k, values.shape[1] // k
    count = _blocks(hit, k).sum(1)
    total = _blocks(np.where(hit, values, 0.0), k).sum(1)
    mean = np.where(count > 0, total / np.maximum(count, 1), 1.0)
    return mean.reshape(height, width, 1).astype(np.float32)


@kernel(parallel=True)
def _fill_rows(hits, taps, binding, columns, weights, counts):  # type: ignore[no-untyped-def]
    """Each pixel's weights: the taps of all its samples, merged by colour."""
    face, u, v = hits
    corners, slot, table = binding
    share = np.float32(1.0 / face.shape[1])
    for row in numba.prange(face.shape[0]):
        tap_columns = np.empty(4, np.int32)
        tap_weights = np.empty(4, np.float32)
        count = 0
        for s in range(face.shape[1]):
            f = face[row, s]
            if f < 0:
                continue
            if taps == 3:
                _vertex_taps(table[f], u[row, s], v[row, s], tap_columns, tap_weights)
            else:
                _texel_taps(corners[f], table[slot[f]], u[row, s], v[row, s], tap_columns, tap_weights)
            for t in range(taps):
                count = _add(columns[row], weights[row], count, tap_columns[t], tap_weights[t] * share)
        counts[row] = count


@kernel(parallel=True)
def _draw(samples, k, taps, corners, slot, table, colours, image):  # type: ignore[no-untyped-def]
    """Averages the samples' shaded colours into pixels."""
    face, u, v, factors = samples
    share = np.float32(1.0 / (k * k))
    for y in numba.prange(image.shape[0]):
        columns = np.empty(4, np.int32)
        weights = np.empty(4, np.float32)
        for x in range(image.shape[1]):
            for s in range(k * k):
                i, j = y * k + s // k, x * k + s % k
                f = face[i, j]
                if f < 0:
                    continue
                if taps == 3:
                    _vertex_taps(table[f], u[i, j], v[i, j], columns, weights)
                else:
                    _texel_taps(corners[f], table[slot[f]], u[i, j], v[i, j], columns, weights)
                image[y, x, 3] += share
                for t in range(taps):
                    weight = weights[t] * factors[i, j] * share
                    for c in range(3):
                        image[y, x, c] += weight * colours[columns[t], c]


@kernel(inline="always")
def _add(columns, weights, count, column, weight):  # type: ignore[no-untyped-def]
    if weight <= 0.0:
        return count
    for k in range(count):
        if columns[k] == column:
            weights[k] += weight
            return count
    columns[count], weights[count] = column, weight
    return count + 1


@kernel(inline="always")
def _vertex_taps(rows, u, v, out_columns, out_weights):  # type: ignore[no-untyped-def]
    out_columns[0], out_columns[1], out_columns[2] = rows[0], rows[1], rows[2]
    out_weights[0] = max(np.float32(1.0) - u - v, np.float32(0.0))
    out_weights[1], out_weights[2] = u, v


@kernel(inline="always")
def _texel_taps(corners, slot, u, v, out_columns, out_weights):  # type: ignore[no-untyped-def]
    w = np.float32(1.0) - u - v
    x = (w * corners[0, 0] + u * corners[1, 0] + v * corners[2, 0]) * slot[2] - 0.5
    y = (1.0 - (w * corners[0, 1] + u * corners[1, 1] + v * corners[2, 1])) * slot[1] - 0.5
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    fx, fy = np.float32(x - x0), np.float32(y - y0)
    left, right = wrap_texel(x0, slot[2], slot[3]), wrap_texel(x0 + 1, slot[2], slot[3])
    top = slot[0] + wrap_texel(y0, slot[1], slot[4]) * slot[2]
    bottom = slot[0] + wrap_texel(y0 + 1, slot[1], slot[4]) * slot[2]
    out_columns[0], out_columns[1] = top + left, top + right
    out_columns[2], out_columns[3] = bottom + left, bottom + right
    one = np.float32(1.0)
    out_weights[0], out_weights[1] = (one - fx) * (one - fy), fx * (one - fy)
    out_weights[2], out_weights[3] = (one - fx) * fy, fx * fy


@kernel(parallel=True)
def _pack_rows(starts, columns, weights, out_columns, out_weights):  # type: ignore[no-untyped-def]
    for row in numba.prange(len(starts) - 1):
        for k in range(starts[row + 1] - starts[row]):
            out_columns[starts[row] + k] = columns[row, k]
            out_weights[starts[row] + k] = weights[row, k]
