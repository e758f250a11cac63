"""Charts of a new atlas: xatlas's own, or for dense meshes the islands that the asset's UVs already have.

xatlas's time grows with the square of a chart's faces: 20,000 of them in one chart take a minute.
"""

from __future__ import annotations

import numpy as np
import xatlas

from nst3d.representations.mesh import Part
from nst3d.representations.split import split_vertices
from nst3d.representations.triangles import face_areas, uv_areas
from nst3d.tensors import Array

_DENSE = 20_000
"""Faces of an atlas above which charts are limited."""
_CHART = 2_000
"""Faces of a chart in a dense atlas, on average."""
_EVEN = 4.0
"""Ratio of a face's scale in UV space to the usual one beyond which it is stretched."""
_STRETCHED = 0.05
"""Fraction of a part's surface that may be stretched by its UVs if their islands become charts."""


def chart_options(parts: list[Part], area: float) -> xatlas.ChartOptions:
    """How the parts, `area` large in the units that xatlas gets, are cut into charts."""
    options = xatlas.ChartOptions()
    if (faces := sum(len(p.faces) for p in parts)) > _DENSE:
        options.max_chart_area = area * _CHART / faces
        options.use_input_mesh_uvs = True
    return options


def add_part(atlas: xatlas.Atlas, part: Part, scale: float, options: xatlas.ChartOptions) -> Array:
    """Add a part to an atlas, scaled; returns the part's vertex (n,) of each vertex that xatlas got.

    The part's UVs go along if their islands may become charts.
    """
    centred = ((part.vertices - part.vertices.mean(0)) * scale).astype(np.float32)
    if not options.use_input_mesh_uvs or part.uvs is None or not _even(part):
        atlas.add_mesh(centred, part.faces.astype(np.uint32))
        return np.arange(len(centred))
    origin, faces, uvs = split_vertices(part.faces, part.uvs)
    flat = np.zeros((len(origin), 3), np.float32)
    atlas.add_mesh(centred[origin], faces.astype(np.uint32), flat, uvs.astype(np.float32))
    return origin


def _even(part: Part) -> bool:
    """Whether a part's UVs spread about as many texels over all of its surface."""
    if part.uvs is None or not np.isfinite(part.uvs).all():
        return False
    solid = face_areas(part.vertices, part.faces)
    known = solid > 0
    if not known.any():
        return False
    scale = np.sqrt(uv_areas(part.uvs)[known] / solid[known])
    usual = np.median(scale)
    odd = (scale < usual / _EVEN) | (scale > usual * _EVEN)
    return bool(usual > 0 and solid[known][odd].sum() <= _STRETCHED * solid.sum())
