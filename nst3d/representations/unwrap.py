"""Texture paint for a mesh: the asset's own UVs where they are usable, otherwise a new atlas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xatlas

from nst3d.limits import claim
from nst3d.representations.charts import add_part, chart_options
from nst3d.representations.mesh import Mesh, Part, largest_placements
from nst3d.representations.paint import TexturePaint, TextureSlot
from nst3d.representations.slivers import with_slivers
from nst3d.representations.texels import overlaps
from nst3d.representations.triangles import face_areas, uv_areas
from nst3d.tensors import Array, ImageSize

AtlasChoice = Literal["auto", "keep", "new"]

MAX_OVERLAP = 0.05
"""Fraction of overlap above which UVs are replaced by an atlas."""
_PADDING = 4
_HELD = 40
"""Bytes that a texel takes at least while it is painted: its colour, its gradient, and its place on the surface."""
_SPILL = 1.5
"""Number of texels, in squares of the largest side, to which padding may swell an atlas of many charts."""
_PACKINGS = 4
"""How often an atlas is packed at most, each time with larger texels."""
_CLOSE = 2.0
"""A picture that is only shown keeps its own texels unless it has this many times as many as are wanted."""
_HALF = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
"""Corners of every face in the texture of a flat colour: they contain the centres of texels."""


@dataclass(frozen=True)
class TexelBudget:
    """Texture sizes."""

    texel: float
    """Target size of a texel on the surface, normalised units."""
    fixed: int | None = None
    """Fixed long side of every texture, pixels, instead of `texel`."""
    smallest: int = 64
    largest: int = 4096
    unseen: frozenset[int] = frozenset()
    """Parts that no view sees; a texture of such parts alone keeps its own size if that is larger."""


@dataclass(frozen=True)
class _Group:
    """Parts that are treated alike because their materials share an image."""

    parts: tuple[int, ...]
    materials: tuple[int, ...]
    texture: int | None


def paint_textures(
    mesh: Mesh, budget: TexelBudget, atlas: AtlasChoice | Literal["show"] = "auto"
) -> TexturePaint:
    """Texture paint for a whole mesh.

    Materials that share an image keep one slot with the file's own UVs if every part has UVs and these do not
    overlap; all other parts go into one new atlas. `atlas` "keep" keeps overlapping UVs, "new" makes an atlas
    for everything; "show", for rendering existing colours, leaves pictures their own sizes, and gives parts of
    one flat colour a few texels.
    """
    groups = _groups(mesh)
    kept = [g for g in groups if _keeps(mesh, g, atlas)]
    fresh_parts = sorted({i for g in groups if g not in kept for i in g.parts})
    slot_of_part = [0] * len(mesh.parts)
    areas = [float(of_faces.sum()) for of_faces in placed_areas(mesh)]
    uvs: list[Array] = [np.zeros((len(p.faces), 3, 2)) if p.uvs is None else p.uvs for p in mesh.parts]
    slots: list[TextureSlot] = []
    offset = slivers = 0
    for group in kept:
        flat = atlas == "show" and _is_flat(mesh, group)
        slot = _own_slot(mesh, group, areas, budget, offset)
        if flat:
            slot = replace(slot, size=ImageSize(8, 8))
        elif atlas == "show":
            slot = replace(slot, size=_shown_size(mesh, group, slot.size))
        for index in group.parts:
            slot_of_part[index] = len(slots)
            uvs[index] = np.tile(_HALF, (len(uvs[index]), 1, 1)) if flat else uvs[index]
        slots.append(slot)
        offset += slot.size.height * slot.size.width
    if fresh_parts:
        size, corner_uvs, slivers = _atlas(mesh, fresh_parts, sum(areas[i] for i in fresh_parts), budget)
        for index, corners in zip(fresh_parts, corner_uvs):
            slot_of_part[index], uvs[index] = len(slots), corners
        materials = tuple(sorted({mesh.parts[i].material for i in fresh_parts}))
        slots.append(TextureSlot("atlas", size, offset, ("clamp", "clamp"), materials, texture=None))
        offset += size.height * size.width
    claim(_HELD * offset, f"a painting in {offset / 1e6:.0f} million texels")
    new = set(fresh_parts)
    fresh = tuple(i in new for i in range(len(mesh.parts)))
    return TexturePaint(tuple(slots), tuple(slot_of_part), tuple(uvs), fresh, slivers=slivers)


def faces_without_uvs(mesh: Mesh) -> int:
    """Number of faces that need a new atlas: their part has no UVs, or they overlap within their image."""
    lacking = (g.parts for g in _groups(mesh) if not _usable(mesh, g, strict=True))
    return sum(len(mesh.parts[i].faces) for parts in lacking for i in parts)


def placed_areas(mesh: Mesh) -> list[Array]:
    """Normalised world area of each face at its part's largest placement, (f,) for each part."""
    return [face_areas(p.vertices, p.faces) * scale**2 for p, scale in zip(mesh.parts, _scales(mesh))]


def _scales(mesh: Mesh) -> list[float]:
    """The scale of each part at its largest placement, part units to normalised ones.

    It is that of the two larger stretches of a placement, because a flattened part still shows its area.
    """
    stretches = np.linalg.svd([i.transform[:3, :3] for i in mesh.instances], compute_uv=False)
    largest = largest_placements(mesh, np.sqrt(stretches[:, :2].prod(axis=1)))
    scales: list[float] = (mesh.frame.scale * largest).tolist()
    return scales


def _groups(mesh: Mesh) -> list[_Group]:
    """Parts that read one image with one factor; materials without an image are separate.

    One image with different factors needs one painting per factor, so the factor separates them.
    """
    by_key: dict[tuple[int | None, object], list[int]] = {}
    for index, part in enumerate(mesh.parts):
        material = mesh.materials[part.material]
        alone = part.material if material.texture is None else material.factor
        by_key.setdefault((material.texture, alone), []).append(index)
    return [
        _Group(tuple(parts), tuple(sorted({mesh.parts[i].material for i in parts})), texture)
        for (texture, _), parts in by_key.items()
    ]


def _keeps(mesh: Mesh, group: _Group, atlas: AtlasChoice | Literal["show"]) -> bool:
    if atlas == "new":
        return False
    return (atlas == "show" and _is_flat(mesh, group)) or _usable(mesh, group, strict=atlas == "auto")


def _is_flat(mesh: Mesh, group: _Group) -> bool:
    """Whether the parts have one colour all over."""
    return group.texture is None and all(mesh.parts[i].colours is None for i in group.parts)


def _shown_size(mesh: Mesh, group: _Group, wanted: ImageSize) -> ImageSize:
    """The size of the group's own picture, which then shows as it is; `wanted` if that is much smaller.

    Vertex colours are finer than the picture may be, which then is not all that shows.
    """
    if group.texture is None or any(mesh.parts[i].colours is not None for i in group.parts):
        return wanted
    own = ImageSize(*mesh.textures[group.texture].pixels.shape[:2])
    return own if own.height * own.width <= _CLOSE * wanted.height * wanted.width else wanted


def _usable(mesh: Mesh, group: _Group, strict: bool) -> bool:
    parts = [mesh.parts[i] for i in group.parts]
    if any(p.uvs is None or not np.isfinite(p.uvs).all() for p in parts):
        return False
    corners = np.concatenate([p.uvs for p in parts if p.uvs is not None])
    if uv_areas(corners).sum() <= 1e-9:
        return False
    return not strict or not overlaps(corners, MAX_OVERLAP)


def _own_slot(mesh: Mesh, group: _Group, areas: list[float], budget: TexelBudget, offset: int) -> TextureSlot:
    texture = None if group.texture is None else mesh.textures[group.texture]
    corners = [u for i in group.parts if (u := mesh.parts[i].uvs) is not None]
    covered = float(uv_areas(np.concatenate(corners)).sum()) if corners else 0.0
    area = sum(areas[i] for i in group.parts)
    height, width = (1, 1) if texture is None else texture.pixels.shape[:2]
    texels = area / budget.texel**2 / covered if covered > 0 else 0.0
    own = height * width if budget.unseen.issuperset(group.parts) else 0
    return TextureSlot(
        name=mesh.materials[group.materials[0]].name if texture is None else texture.name,
        size=_sized(max(texels, own), height / width, budget),
        offset=offset,
        wrap=("repeat", "repeat") if texture is None else texture.wrap,
        materials=group.materials,
        texture=group.texture,
        alpha=None if texture is None else texture.alpha,
        clear=any(mesh.materials[m].alpha_mode != "opaque" for m in group.materials),
    )


def _sized(texels: float, aspect: float, budget: TexelBudget) -> ImageSize:
    """A size with about `texels` texels and height / width = `aspect`, in multiples of 8."""
    if budget.fixed is not None:
        long = budget.fixed
    else:
        long = np.sqrt(texels * max(aspect, 1 / aspect))
        long = min(max(long, budget.smallest), budget.largest)
    sides = (long * min(1.0, aspect), long * min(1.0, 1 / aspect))
    height, width = (max(8, round(side / 8) * 8) for side in sides)
    return ImageSize(height, width)


def _atlas(
    mesh: Mesh, indices: list[int], area: float, budget: TexelBudget
) -> tuple[ImageSize, list[Array], int]:
    """A new atlas of the parts `indices`, `area` large: its size, corner UVs (f, 3, 2) of each, and its slivers."""
    # Charts fill about 70 % of a packed atlas.
    side, scales = max(_sized(area / budget.texel**2 / 0.7, 1.0, budget)), _scales(mesh)
    most = max(_SPILL * budget.largest**2, side**2)
    for _ in range(_PACKINGS):
        atlas, origins = _packed([mesh.parts[i] for i in indices], [scales[i] for i in indices], area, side)
        # The packer treats the side as a hint; its padding holds at the size that it chose.
        size = ImageSize(atlas.height, atlas.width)
        if size.height * size.width <= most:
            break
        side = int(side * most / (size.height * size.width))  # no root, because padding does not shrink
    found = [
        _corner_uvs(mesh.parts[i], origin, atlas.get_mesh(k))
        for k, (i, origin) in enumerate(zip(indices, origins))
    ]
    return with_slivers(size, found)


def _packed(
    parts: list[Part], scales: list[float], area: float, side: int
) -> tuple[xatlas.Atlas, list[Array]]:
    """The parts in an atlas about `side` wide, and the part's vertex of each vertex in it."""
    atlas = xatlas.Atlas()
    charts = chart_options(parts, area)
    origins = [add_part(atlas, part, scale, charts) for part, scale in zip(parts, scales)]
    options = xatlas.PackOptions()
    options.padding, options.bilinear, options.rotate_charts = _PADDING, True, True
    options.resolution = side
    atlas.generate(charts, options)
    return atlas, origins


def _corner_uvs(part: Part, origin: Array, unwrapped: tuple[Array, Array, Array]) -> Array:
    """xatlas's (vertex map, faces, UVs), in any order, as corner UVs of the part's own faces."""
    vertex_map, faces, uvs = origin[unwrapped[0]], *unwrapped[1:]
    if len(faces) == len(part.faces) and np.array_equal(vertex_map[faces], part.faces):
        return uvs[faces].astype(np.float64)
    corners = np.zeros((len(part.faces), 3, 2))
    place = {tuple(f): k for k, f in enumerate(part.faces.tolist())}
    for face, pair in zip(vertex_map[faces].tolist(), uvs[faces]):
        for turn in range(3):
            k = place.get((face[turn], face[(turn + 1) % 3], face[(turn + 2) % 3]))
            if k is not None:
                corners[k] = pair[[turn, (turn + 1) % 3, (turn + 2) % 3]]
                break
    return corners
