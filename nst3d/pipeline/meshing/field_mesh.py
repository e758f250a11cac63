"""Extracts the surface on which depth maps agree, as a mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from nst3d.bounds import Within
from nst3d.cameras.rigs import standing
from nst3d.errors import InputError
from nst3d.pipeline.meshing.sight_check import witnessed
from nst3d.renderers.fusion import DepthPicture, Fuse, Fusion, FusionOptions
from nst3d.representations.decimate import decimated
from nst3d.representations.field import Space
from nst3d.representations.holes import closed_holes
from nst3d.representations.isosurface import smoothed, surface_nets, without_crumbs
from nst3d.representations.lattice import Lattice, lattice_within
from nst3d.representations.mesh import Instance, Material, Mesh, Part, unit_frame
from nst3d.representations.repair import degenerate_faces
from nst3d.representations.triangles import unit
from nst3d.tensors import Array

RESOLUTION = 192
"""Cells along the longest side for a scene of unknown resolution."""
_CRUMB = 0.005
"""Pieces with a smaller share of the faces are floaters. A detached hand may have one in sixty."""

_RINGS = 3
"""Rings around seen faces within which unseen ones are kept."""
_HOLE = 40
"""Holes with at most this many edges, one cell long, are flaws of the depth."""


@dataclass(frozen=True)
class MeshingOptions:
    """Extent and resolution of the mesh made from a scene."""

    reach: Annotated[float, Within(0.05, 50)] = 1.5
    """Extent from the scene's centre, in radii of its inner box; a bounded scene ends at 1."""
    resolution: Annotated[int, Within(8, 1024)] | None = None
    """Cells along the longest side; None: twice as fine as a field's own, or 192 for splats."""
    faces: Annotated[int, Within(0, 10_000_000)] = 60_000
    """Approximate target face count; 0 keeps all."""
    smoothing: Annotated[int, Within(0, 1000)] = 5
    """Rounds of smoothing."""


def fused_surface(lattice: Lattice, sights: Sequence[DepthPicture]) -> tuple[Array, Array]:
    """The surface on which the depth maps agree; a `Fuse`."""
    fusion = Fusion(lattice, FusionOptions(witnesses=min(2.0, len(sights))))
    for sight in sights:
        fusion.add(sight.camera, sight.depth)
    return surface_nets(fusion.distances())


def fused_mesh(
    space: Space,
    sights: Sequence[DepthPicture],
    up: Array,
    options: MeshingOptions,
    source: str,
    fuse: Fuse = fused_surface,
) -> tuple[Mesh, Lattice]:
    """A mesh of the surface in `sights`, in world coordinates, and the lattice it was extracted on.

    It is open where no camera looked, except for small holes, which are filled. Raises InputError, which
    starts with `source`, if they show no surface.
    """
    lattice = lattice_within(space, options.reach, options.resolution or RESOLUTION)
    vertices, faces = fuse(lattice, sights)
    vertices, faces = without_crumbs(vertices, faces, round(_CRUMB * len(faces)))
    if not len(faces):
        raise InputError(
            f"{source}: its pictures show no surface within {options.reach:g} radii; give a larger `reach`"
        )
    vertices = smoothed(vertices, faces, options.smoothing)
    shown = witnessed(_mesh(lattice.to_world(vertices), faces, up), lattice, sights, _RINGS)
    if shown.any():
        vertices, faces = without_crumbs(vertices, faces[shown], round(_CRUMB * shown.sum()))
    vertices, faces = closed_holes(vertices, faces, _HOLE)
    if options.faces:
        # In node coordinates, where far cells count as much as near ones.
        vertices, faces = decimated(vertices, faces, options.faces)
    vertices = lattice.to_world(vertices)
    return _mesh(vertices, faces[~degenerate_faces(vertices, faces)], up), lattice


def _mesh(vertices: Array, faces: Array, up: Array) -> Mesh:
    part = Part("scene", vertices, faces, 0, normals=_smooth(vertices, faces))
    front = standing(up).axes()[:, 2]
    parts, instances = (part,), (Instance(0, name="scene"),)
    return Mesh(
        parts,
        instances,
        (Material("painted"),),
        (),
        unit_frame(parts, instances),
        (float(up[0]), float(up[1]), float(up[2])),
        (float(front[0]), float(front[1]), float(front[2])),
        scene_from_capture=np.eye(4),
    )


def _smooth(vertices: Array, faces: Array) -> Array:
    """Vertex normals (v, 3) float32: area-weighted means over the faces."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    total = np.stack(
        [sum(np.bincount(faces[:, k], cross[:, axis], len(vertices)) for k in range(3)) for axis in range(3)],
        axis=1,
    )
    return unit(total).astype(np.float32)
