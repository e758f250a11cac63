"""Compiles views of a triangle surface: a caster finds what each sample sees, numba builds the matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.kernels import kernel
from nst3d.operators.base import ViewOperator
from nst3d.operators.composite import Shaded
from nst3d.operators.sparse import Csr, SparseView
from nst3d.renderers.layers import Layers, layers_of, see
from nst3d.renderers.raycast import Caster, Raycaster
from nst3d.renderers.shading import Lighting, shade_samples
from nst3d.renderers.taps import texel_taps, vertex_taps
from nst3d.representations.surface import Surface, TexelBinding
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
        """`caster` may come from another binding of the same triangles, to share its tree and their opacity.

        `fragments` finds the first hits of compiled views; None: `caster`. All other rays use `caster`.
        """
        self.surface = surface
        self.caster = caster or Raycaster(surface)
        self.fragments: Caster = fragments or self.caster

    @property
    def made_of(self) -> tuple[Any, ...] | None:
        """Everything that views depend on, besides camera and options: the surface, and its opacity and sides.

        None if fragments come from another caster, whose identity is not known.
        """
        return ("mesh", self.surface, self.caster.surface) if self.fragments is self.caster else None

    def compile(self, camera: Camera, options: MeshViewOptions | None = None) -> ViewOperator:
        """The view from `camera` as a linear operator: texel or vertex weights, averaged over samples."""
        options = options or MeshViewOptions()
        return self.compile_lit(camera, options.samples, (options.lighting,))[0]

    def compile_lit(self, camera: Camera, samples: int, lightings: Sequence[Lighting]) -> list[ViewOperator]:
        """One view under several lightings, which share its matrix."""
        layers = self.look(camera, samples)
        view = assemble(self.surface, layers, camera.size, samples)
        lit: list[ViewOperator] = []
        for lighting in lightings:
            factors = shade_samples(self.surface, layers.hits, camera, lighting)
            mean = _mean_over_light(factors, layers, samples)
            lit.append(view if lighting == "none" else Shaded(view, Image(torch.from_numpy(mean))))
        return lit

    def look(self, camera: Camera, samples: int) -> Layers:
        """What `samples` × `samples` samples per pixel see, (layers, height · samples, width · samples)."""
        if self.caster.surface.solid:
            return layers_of(self.fragments.view(camera, samples))
        origin, directions = camera.scaled(samples).rays()
        own = self.fragments is self.caster
        return see(self.caster, origin, directions, None if own else self.fragments.view(camera, samples))

    def paint_samples(
        self, layers: Layers, samples: int, camera: Camera, colours: Array, lighting: Lighting
    ) -> Array:
        """The image of `layers` without building the matrix, for frames that are rendered only once.

        They have `samples` × `samples` for each pixel, `colours` is the table, (n, 3) float32. Returns
        premultiplied RGB and opacity, (h, w, 4) float32.
        """
        hits = layers.hits
        factors = shade_samples(self.surface, hits, camera, lighting)
        taps, args = _binding_arrays(self.surface)
        height, width = (side // samples for side in hits.face.shape[1:])
        image = np.zeros((height, width, 4), np.float32)
        table = np.ascontiguousarray(colours, np.float32)
        _draw((hits.face, hits.u, hits.v, factors), layers.weight, samples, taps, args, table, image)
        return image


def _binding_arrays(surface: Surface) -> tuple[int, tuple[Array, Array, Array]]:
    """Taps per sample, and the kernels' arrays: corner UVs, slots of faces, slots or rows."""
    binding = surface.binding
    if isinstance(binding, TexelBinding):
        return 4, (binding.corners, binding.slot, binding.slots)
    return 3, (np.zeros((1, 3, 2), np.float32), np.zeros(1, np.int32), binding.rows)


def assemble(surface: Surface, layers: Layers, size: ImageSize, samples: int) -> SparseView:
    """The sparse matrix of a view from what its samples see, (layers, height · samples, width · samples)."""
    hits = layers.hits
    covered = _blocks(hits.face >= 0, samples).any(1)
    pixels = np.flatnonzero(covered).astype(np.int32)
    face, u, v = (np.ascontiguousarray(_blocks(a, samples)[pixels]) for a in (hits.face, hits.u, hits.v))
    light = layers.weight
    light = None if light is None else np.ascontiguousarray(_blocks(light, samples)[pixels])
    taps, args = _binding_arrays(surface)
    columns = np.empty((len(pixels), face.shape[1] * taps), np.int32)
    weights = np.empty(columns.shape, np.float32)
    counts = np.zeros(len(pixels), np.int64)
    _fill_rows((face, u, v), light, samples, taps, args, columns, weights, counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    packed = Csr(starts, np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32))
    _pack_rows(starts, columns, weights, packed.columns, packed.weights)
    return SparseView(size, surface.num_colours, pixels, packed)


def _blocks(samples: Array, k: int) -> Array:
    """(layers, h · k, w · k) samples as (h · w, layers · k · k), one row per pixel."""
    layers, height, width = samples.shape[0], samples.shape[1] // k, samples.shape[2] // k
    split = samples.reshape(layers, height, k, width, k)
    return split.transpose(1, 3, 0, 2, 4).reshape(height * width, layers * k * k)


def _mean_over_light(values: Array, layers: Layers, k: int) -> Array:
    """The mean of the fragments' values by their light, (h, w, 1) float32; 1 where there is none."""
    height, width = values.shape[1] // k, values.shape[2] // k
    if layers.weight is None:
        hit = layers.hits.face >= 0
        light, total = _blocks(hit, k).sum(1), _blocks(np.where(hit, values, 0.0), k).sum(1)
    else:
        light, total = (_blocks(a, k).sum(1) for a in (layers.weight, values * layers.weight))
    mean = np.where(light > 0, total / np.where(light > 0, light, 1), 1.0)
    return mean.reshape(height, width, 1).astype(np.float32)


@kernel(parallel=True)
def _fill_rows(hits, light, k, taps, binding, columns, weights, counts):  # type: ignore[no-untyped-def]
    """Each pixel's weights: the taps of all its fragments, merged by colour. `light` None: 1 for each."""
    face, u, v = hits
    corners, slot, table = binding
    equal = np.float32(1.0 / (k * k))
    for row in numba.prange(face.shape[0]):
        tap_columns = np.empty(4, np.int32)
        tap_weights = np.empty(4, np.float32)
        count = 0
        for s in range(face.shape[1]):
            f = face[row, s]
            if f < 0:
                continue
            share = equal
            if light is not None:
                share *= light[row, s]
            if taps == 3:
                vertex_taps(table[f], u[row, s], v[row, s], tap_columns, tap_weights)
            else:
                texel_taps(corners[f], table[slot[f]], u[row, s], v[row, s], tap_columns, tap_weights)
            for t in range(taps):
                count = _add(columns[row], weights[row], count, tap_columns[t], tap_weights[t] * share)
        counts[row] = count


@kernel(parallel=True)
def _draw(fragments, light, k, taps, binding, colours, image):  # type: ignore[no-untyped-def]
    """Averages the fragments' shaded colours into pixels. `light` None: 1 for each."""
    face, u, v, factors = fragments
    corners, slot, table = binding
    equal = np.float32(1.0 / (k * k))
    for y in numba.prange(image.shape[0]):
        columns = np.empty(4, np.int32)
        weights = np.empty(4, np.float32)
        for x in range(image.shape[1]):
            for s in range(face.shape[0] * k * k):
                m = s // (k * k), y * k + s % (k * k) // k, x * k + s % k
                f = face[m]
                if f < 0:
                    continue
                share = equal
                if light is not None:
                    share *= light[m]
                if taps == 3:
                    vertex_taps(table[f], u[m], v[m], columns, weights)
                else:
                    texel_taps(corners[f], table[slot[f]], u[m], v[m], columns, weights)
                image[y, x, 3] += share
                for t in range(taps):
                    weight = weights[t] * factors[m] * share
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


@kernel(parallel=True)
def _pack_rows(starts, columns, weights, out_columns, out_weights):  # type: ignore[no-untyped-def]
    for row in numba.prange(len(starts) - 1):
        for k in range(starts[row + 1] - starts[row]):
            out_columns[starts[row] + k] = columns[row, k]
            out_weights[starts[row] + k] = weights[row, k]
