"""Bakes renders with depth into a mesh's texture by least squares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from nst3d.bounds import Within
from nst3d.operators.base import ViewOperator
from nst3d.operators.cache import ViewCache
from nst3d.operators.solve import SolveOptions, bake
from nst3d.pipeline.kinds.mesh.scene import filled, layout_of
from nst3d.pipeline.meshing.sight_check import agreement, normalised
from nst3d.renderers.fusion import DepthPicture
from nst3d.renderers.mesh import MeshRenderer
from nst3d.representations.lattice import Lattice
from nst3d.representations.mesh import Mesh, Similarity
from nst3d.representations.paint import TexturePaint
from nst3d.representations.surface import build_surface
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import Array, Colours, Image

_BUDGET = 1.5e9
"""Memory limit for compiled views, in bytes."""
SOLVE = SolveOptions(damping=0.5, iterations=20, tolerance=1e-3)
"""Solver settings for the texture."""


@dataclass(frozen=True)
class TextureOptions:
    """Size of the texture."""

    texture_size: Annotated[int, Within(64, 8192)] | None = None
    """Side in pixels; None: about one texel per pixel of the pictures."""
    largest: Annotated[int, Within(64, 16384)] = 4096


def baked_texture(
    mesh: Mesh,
    lattice: Lattice,
    sights: Sequence[DepthPicture],
    options: TextureOptions,
    progress: Callable[[int], None],
) -> tuple[TexturePaint, Array]:
    """A new atlas of the mesh, and its table (n, 3) float32 in [0, 1] that best reproduces the renders."""
    budget = TexelBudget(_pixel(sights, mesh.frame), options.texture_size, largest=options.largest)
    paint = paint_textures(mesh, budget, "new")
    renderer = MeshRenderer(build_surface(mesh, paint))
    cameras = [normalised(s.camera, mesh.frame) for s in sights]
    seen_well = (agreement(renderer.surface, renderer.caster, s, lattice, mesh.frame)[1] for s in sights)
    weights = [Image(torch.from_numpy(cosine[..., None])) for cosine in seen_well]
    with closing(ViewCache(lambda k: renderer.compile(cameras[k]), len(cameras), _BUDGET)) as views:
        images = [
            Image(torch.from_numpy(s.colour.astype(np.float32)) * v.coverage) for s, v in zip(sights, views)
        ]
        start, seen = _average(views, images, weights, paint.num_colours)
        layout, known = layout_of(paint), _share(seen)
        start = filled(start, layout, known)
        colours = bake(views, images, start, SOLVE, weights, progress=lambda done, total: progress(done))
    return paint, filled(colours.clamp(0, 1), layout, known).numpy()


def _pixel(sights: Sequence[DepthPicture], frame: Similarity) -> float:
    """The side of a pixel on the surface, in normalised units; the finer views count."""
    sides = [
        np.nanquantile(s.depth[np.isfinite(s.depth)], 0.25) / s.camera.focal
        for s in sights
        if np.isfinite(s.depth).any()
    ]
    return float(np.quantile(sides, 0.25)) * frame.scale


def _average(
    views: Sequence[ViewOperator], images: Sequence[Image], weights: Sequence[Image], count: int
) -> tuple[Colours, torch.Tensor]:
    """The weighted mean of the pixels that see each row, (n, 3), and the sum of their weights (n,)."""
    total, seen = torch.zeros(count, 3), torch.zeros(count, 1)
    for view, image, weight in zip(views, images, weights):
        total += view.adjoint(Image(image * weight))
        seen += view.adjoint(Image(view.coverage * weight))
    return total / seen.clamp_min(1e-6), seen[:, 0]


def _share(seen: torch.Tensor) -> torch.Tensor:
    """Confidence in each row, (n,) in [0, 1], low for rows that hardly any pixel saw."""
    positive = seen[seen > 0]
    return (seen / (0.1 * float(positive.median()))).clamp(0, 1) if len(positive) else seen
