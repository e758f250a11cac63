"""A triangle mesh as stored in an asset: parts, their instances, materials and base-colour textures.

Parts keep the file's own coordinates, so that saving restores them exactly; `Mesh.frame` is the similarity
that maps the placed asset into the unit sphere, where cameras and renderers work.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from nst3d.representations.framing import strays
from nst3d.representations.tables import table_of, triangles_of
from nst3d.tensors import Array

Wrap = Literal["repeat", "clamp", "mirror"]
WRAP_CODE: dict[Wrap, int] = {"repeat": 0, "clamp": 1, "mirror": 2}
"""Wrap modes as numbers, for compiled code."""
AlphaMode = Literal["opaque", "mask", "blend"]
"""opaque: alpha does not count. mask: a point is solid where alpha reaches a cutoff, and absent elsewhere.
blend: alpha is the opacity."""


@dataclass(frozen=True)
class Texture:
    """A base-colour image."""

    name: str
    pixels: Array
    """(h, w, 3) sRGB-encoded RGB, top row first: float32 in [0, 1], or levels (uint8), which `from_bytes` converts."""
    alpha: Array | None = None
    """(h, w) float32 in [0, 1], or levels (uint8); None: opaque."""
    wrap: tuple[Wrap, Wrap] = ("repeat", "repeat")
    """Wrap modes along u and v."""


@dataclass(frozen=True)
class Material:
    """The base colour of a part. Other properties of a material remain in the file's document."""

    name: str
    factor: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Base-colour factor, sRGB-encoded. The colour is decode(texture) * decode(factor), in linear light."""
    texture: int | None = None
    """Index into `Mesh.textures`."""
    double_sided: bool = True
    """Whether faces are also seen from behind, where their corners turn clockwise."""
    alpha_mode: AlphaMode = "opaque"
    alpha: float = 1.0
    """Factor in [0, 1]; alpha is that of the texture times this."""
    cutoff: float = 0.5
    """The least alpha of solid points; "mask" only."""
    transmission: float = 0.0
    """The share in [0, 1] of light that solid points let through, tinted, as glass does. It counts in views, where
    some of the surface always shows, and is not alpha: no painted texture has it."""


@dataclass(frozen=True)
class Part:
    """Triangles that share one material, in the file's own coordinates."""

    name: str
    vertices: Array
    """(v, 3) float64."""
    faces: Array
    """(f, 3) int32 indices into vertices."""
    material: int
    """Index into `Mesh.materials`."""
    normals: Array | None = None
    """(v, 3) float32 unit vectors from the file; None: computed from the faces."""
    uvs: Array | None = None
    """(f, 3, 2) float64, UVs of each corner of each face, origin bottom-left; None: the file has none."""
    colours: Array | None = None
    """(v, 3) float32 vertex colours, sRGB-encoded in [0, 1], multiplied in linear light into the base colour."""
    alphas: Array | None = None
    """(v,) float32 alpha of the vertices in [0, 1], multiplied into that of the material; None: 1."""
    cells: Array | None = None
    """(v,) int32, the voxel of each vertex, from 0: paint covers whole voxels, and sides are flat and not
    subdivided. None: not a voxel model."""
    groups: Array | None = None
    """(f,) int32 indices into `Mesh.groups`; None: the file has no groups of faces."""

    @property
    def paint_rows(self) -> Array:
        """(v,) row of each vertex's colour in vertex paint: its own, or its voxel's."""
        return np.arange(len(self.vertices), dtype=np.int32) if self.cells is None else self.cells

    @property
    def num_paint_rows(self) -> int:
        """Number of colours of this part in vertex paint."""
        return len(self.vertices) if self.cells is None else int(self.cells.max()) + 1


@dataclass(frozen=True)
class Instance:
    """One placement of a part in the scene."""

    part: int
    transform: Array = field(default_factory=lambda: np.eye(4))
    """(4, 4) float64, part coordinates to scene coordinates."""
    name: str = ""
    above: tuple[str, ...] = ()
    """Names of the nodes above it, the nearest first."""


@dataclass(frozen=True)
class Similarity:
    """normalised = (scene - centre) * scale."""

    centre: Array
    """(3,) float64, scene units."""
    scale: float

    def apply(self, points: Array) -> Array:
        """Map scene coordinates (n, 3) to normalised ones, float64."""
        return (points - self.centre) * self.scale


@dataclass(frozen=True)
class Mesh:
    """An asset: unique parts, their placement, and their colours."""

    parts: tuple[Part, ...]
    instances: tuple[Instance, ...]
    materials: tuple[Material, ...]
    textures: tuple[Texture, ...]
    frame: Similarity
    up: tuple[float, float, float] = (0.0, 1.0, 0.0)
    """World up, in scene coordinates."""
    front: tuple[float, float, float] = (0.0, 0.0, 1.0)
    """Direction that the asset faces, in scene coordinates."""
    notes: tuple[str, ...] = ()
    """Problems found and how they were handled, one sentence each, for the user."""
    scene_from_capture: Array | None = None
    """(4, 4) rigid transform from the coordinates of the asset's capture to scene coordinates; None: no
    capture, or unknown."""
    groups: tuple[tuple[str, ...], ...] = ()
    """For each combination of groups that faces are in, their names."""
    document: Any = None
    """Data for the format's writer, to write back whatever nst3d does not paint."""

    @classmethod
    def of(
        cls,
        vertices: Array,
        faces: Array,
        colours: Array | None = None,
        up: tuple[float, float, float] = (0.0, 1.0, 0.0),
    ) -> Mesh:
        """A mesh of one part: vertices (v, 3), triangles (f, 3) of indices, and perhaps colours of vertices (v, 3).

        Colours are sRGB-encoded in [0, 1]. The asset faces +Z where Y is up, otherwise -Y. ConfigError for other
        shapes, for numbers that are not finite, and for indices without a vertex.
        """
        table = table_of(vertices, "vertices", 3)
        part = Part("mesh", table, triangles_of(faces, len(table)), 0)
        if colours is not None:
            shades = table_of(colours, "colours", 3, rows=len(table)).astype(np.float32)
            part = replace(part, colours=shades)
        parts, instances = (part,), (Instance(0),)
        front = (0.0, 0.0, 1.0) if up[1] else (0.0, -1.0, 0.0)
        return cls(parts, instances, (Material("material"),), (), unit_frame(parts, instances), up, front)

    @property
    def num_faces(self) -> int:
        """Number of triangles in the scene, including instances."""
        return sum(len(self.parts[i.part].faces) for i in self.instances)


def unit_frame(parts: tuple[Part, ...], instances: tuple[Instance, ...]) -> Similarity:
    """The similarity that centres the placed parts' bounding box and gives it a half diagonal of 1.

    Strays, as `stray_faces` finds them, do not count.
    """
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    far = stray_faces(parts, instances)
    for number, instance in enumerate(instances):
        part = parts[instance.part]
        faces = part.faces if far is None else part.faces[~far[number]]
        if len(faces):
            points = placed_points(part, instance, np.unique(faces))
            low, high = np.minimum(low, points.min(0)), np.maximum(high, points.max(0))
    half = np.linalg.norm(high - low) / 2
    return Similarity(centre=(low + high) / 2, scale=float(1.0 / half) if half > 0 else 1.0)


def stray_faces(parts: tuple[Part, ...], instances: tuple[Instance, ...]) -> list[Array] | None:
    """For each instance, whether its faces are strays far from the rest, (f,) bool; None: nothing is."""
    counts = [len(parts[i.part].vertices) for i in instances]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(int)
    faces = [parts[i.part].faces for i in instances]
    with np.errstate(invalid="ignore"):  # vertices of no face may be anything
        points = np.concatenate([placed_points(parts[i.part], i) for i in instances])
    far = strays(points, np.concatenate([f + start for f, start in zip(faces, starts)]))
    return None if far is None else np.split(far, np.cumsum([len(f) for f in faces])[:-1])


def largest_placements(mesh: Mesh, scales: Array) -> Array:
    """The largest of its instances' `scales` (i,) for each part, (p,) float64; 1 for a part that is not placed."""
    largest = np.full(len(mesh.parts), -np.inf)
    np.maximum.at(largest, [instance.part for instance in mesh.instances], scales)
    return np.where(np.isinf(largest), 1.0, largest)


def placed_points(part: Part, instance: Instance, rows: Array | None = None) -> Array:
    """A part's vertices in scene coordinates, all or some `rows`, (n, 3) float64."""
    points = part.vertices if rows is None else part.vertices[rows]
    return points @ instance.transform[:3, :3].T + instance.transform[:3, 3]
