"""Meshes small enough to be checked by hand, made here."""

from __future__ import annotations

from typing import Any

import numpy as np

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Texture, Wrap, unit_frame
from nst3d.representations.paint import TexturePaint, TextureSlot
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.tensors import Array, ImageSize

ISLAND = (32, 4)
"""A cube's islands: cells of 32 texels, with a border of 4."""


def mesh_of(*parts: Part, instances: tuple[Instance, ...] | None = None, **fields: Any) -> Mesh:
    """A mesh of the parts, each placed once unless said otherwise, with one plain material."""
    placed = instances or tuple(Instance(i) for i in range(len(parts)))
    values: dict[str, Any] = {"materials": (Material("plain"),), "textures": ()} | fields
    return Mesh(parts, placed, frame=unit_frame(parts, placed), **values)


def noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def quad(uvs: Array | None = None, **fields: Any) -> Part:
    """The square from −1 to 1 in z = 0 that faces +z; UVs from 0 to 1 unless given as (4, 2)."""
    vertices = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    corner = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float) if uvs is None else np.asarray(uvs, float)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    values: dict[str, Any] = {"material": 0, "uvs": corner[faces]} | fields
    return Part("quad", vertices, faces, **values)


def cube(**fields: Any) -> Part:
    """The cube from −1 to 1, eight vertices, each side a UV island in a grid of 3 × 2."""
    vertices = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    cell, border = ISLAND
    width, height = 3 * cell, 2 * cell
    faces, uvs = [], []
    for k, (a, b, c, d) in enumerate(sides):
        left, bottom = k % 3 * cell + border, k // 3 * cell + border
        right, top = left + cell - 2 * border, bottom + cell - 2 * border
        square = np.array([[left, bottom], [right, bottom], [right, top], [left, top]]) / (width, height)
        faces += [(a, b, c), (a, c, d)]
        uvs += [square[[0, 1, 2]], square[[0, 2, 3]]]
    values: dict[str, Any] = {"material": 0, "uvs": np.array(uvs)} | fields
    return Part("cube", vertices, np.array(faces, np.int32), **values)


CUBE_TEXTURE = ImageSize(2 * ISLAND[0], 3 * ISLAND[0])


def sphere(rings: int = 8, radius: float = 1.0, **fields: Any) -> Part:
    """A globe of rings × 2 rings quads, closed, with longitude and latitude as UVs and a seam at u = 0 = 1."""
    turns = 2 * rings
    theta = np.arange(1, rings) / rings * np.pi
    phi = np.arange(turns) / turns * 2 * np.pi
    band = np.stack(
        [
            np.sin(theta)[:, None] * np.cos(phi),
            np.broadcast_to(np.cos(theta)[:, None], (rings - 1, turns)),
            -np.sin(theta)[:, None] * np.sin(phi),
        ],
        axis=-1,
    )
    vertices = np.concatenate([[[0, 1, 0]], band.reshape(-1, 3), [[0, -1, 0]]]) * radius
    faces, uvs = [], []
    for i in range(rings):
        for j in range(turns):
            corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            pairs = np.array([[c / turns, 1 - r / rings] for r, c in corners])
            ids = [_globe_vertex(r, c, rings, turns) for r, c in corners]
            if i < rings - 1:
                faces.append((ids[0], ids[1], ids[2]))
                uvs.append(pairs[[0, 1, 2]])
            if i > 0:
                faces.append((ids[0], ids[2], ids[3]))
                uvs.append(pairs[[0, 2, 3]])
    values: dict[str, Any] = {"material": 0, "uvs": np.array(uvs)} | fields
    return Part("sphere", vertices, np.array(faces, np.int32), **values)


def _globe_vertex(row: int, column: int, rings: int, turns: int) -> int:
    if row in (0, rings):
        return 0 if row == 0 else 1 + (rings - 1) * turns
    return 1 + (row - 1) * turns + column % turns


def texture_paint(
    mesh: Mesh, size: ImageSize, wrap: tuple[Wrap, Wrap] = ("repeat", "repeat")
) -> TexturePaint:
    """All parts in one texture of `size`, on their own UVs."""
    slot = TextureSlot("paint", size, 0, wrap, (0,), texture=None)
    uvs = tuple(p.uvs for p in mesh.parts if p.uvs is not None)
    return TexturePaint((slot,), (0,) * len(mesh.parts), uvs, (False,) * len(mesh.parts))


def texel_surface(part: Part, size: ImageSize, wrap: tuple[Wrap, Wrap] = ("repeat", "repeat")) -> Surface:
    mesh = mesh_of(part)
    return build_surface(mesh, texture_paint(mesh, size, wrap))


def vertex_surface(part: Part, edge: float = np.inf) -> Surface:
    mesh = mesh_of(part)
    return build_surface(mesh, paint_vertices(mesh, edge, 100_000))


def camera_at(
    position: tuple[float, float, float], size: ImageSize | int = 24, field_of_view: float = 0.8
) -> Camera:
    """A camera that looks at the origin, y up."""
    square = ImageSize(size, size) if isinstance(size, int) else size
    pose = look_at(np.array(position, float), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    return perspective(pose, square, field_of_view)


def textured(part: Part, pixels: Array, **fields: Any) -> Mesh:
    """A mesh whose one material reads a texture."""
    return mesh_of(
        part, materials=(Material("painted", texture=0),), textures=(Texture("image", pixels),), **fields
    )
