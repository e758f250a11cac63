"""An asset's own base colours, sampled at the rows of the colour table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nst3d.images.colour import srgb_decode, srgb_encode
from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import Mesh, Part, Wrap
from nst3d.representations.paint import MeshPaint, TexturePaint, TextureSlot, VertexPaint
from nst3d.representations.surface import Surface, VertexBinding, build_surface, rows_of_parts
from nst3d.representations.texels import Anchors, anchor_rows
from nst3d.representations.triangles import uv_areas
from nst3d.tensors import Array

_AT_ONCE = 1 << 20
"""Rows whose colours are computed at once, in float64."""
_BAND = 512
"""Rows of a halved picture that are computed at once."""


def is_bare(mesh: Mesh) -> bool:
    """Whether an asset has no colours of its own: no texture, no vertex colours, one factor for all."""
    used = {p.material for p in mesh.parts}
    factors = {mesh.materials[m].factor for m in used}
    textured = any(mesh.materials[m].texture is not None for m in used)
    return not textured and len(factors) == 1 and all(p.colours is None for p in mesh.parts)


def base_colours(mesh: Mesh, paint: MeshPaint, surface: Surface, anchors: Anchors) -> Array:
    """The asset's base colour at each row's anchor, (n, 3) float32 sRGB; rows without an anchor are 0.

    It is texture × factor × vertex colour, multiplied in linear light, then encoded. Textures are first
    downsampled to about the density of the rows to avoid aliasing.
    """
    colours = np.zeros((surface.num_colours, 3), np.float32)
    valid = np.flatnonzero(anchors.valid)
    faces = anchors.face[valid]
    # Subdivided parts include the file's own UVs and vertex colours.
    parts = mesh.parts if isinstance(paint, TexturePaint) else paint.parts
    for here, part in zip(rows_of_parts(surface.part[faces], len(parts)), parts):
        material = mesh.materials[part.material]
        picture = None
        if material.texture is not None and part.uvs is not None:
            picture = _shrunk(mesh.textures[material.texture].pixels, part.uvs, len(here))
        for some in np.array_split(here, len(here) // _AT_ONCE + 1):
            rows, local = valid[some], surface.local_face[faces[some]]
            colours[rows] = _part_colours(mesh, part, picture, local, anchors.weights[rows])
    return colours


def own_texels(mesh: Mesh, slot: TextureSlot) -> Array | None:
    """The picture of a slot times its materials' factor, (h · w, 3) float32 sRGB; None if it has another size."""
    if slot.texture is None or mesh.textures[slot.texture].pixels.shape[:2] != tuple(slot.size):
        return None
    pixels: Array = from_bytes(mesh.textures[slot.texture].pixels).reshape(-1, 3)
    factor = np.asarray(mesh.materials[slot.materials[0]].factor)
    if (factor != 1).any():
        pixels = srgb_encode(srgb_decode(pixels) * srgb_decode(factor)).astype(np.float32)
    return pixels


def _part_colours(mesh: Mesh, part: Part, picture: Array | None, local: Array, weights: Array) -> Array:
    """The base colour (n, 3) at points of a part: faces (n,) and weights (n, 3); `picture` is its texture's."""
    material = mesh.materials[part.material]
    linear = np.broadcast_to(srgb_decode(np.asarray(material.factor)), (len(local), 3)).copy()
    if picture is not None and material.texture is not None and part.uvs is not None:
        uvs = np.einsum("nk,nkc->nc", weights, part.uvs[local])
        linear *= srgb_decode(bilinear(picture, uvs, mesh.textures[material.texture].wrap))
    if part.colours is not None:
        shades = srgb_decode(part.colours.astype(np.float64))
        linear *= np.einsum("nk,nkc->nc", weights, shades[part.faces[local]])
    return srgb_encode(linear)


def vertex_colours(mesh: Mesh, paint: VertexPaint) -> Array:
    """The asset's base colour at each row of vertex paint, (n, 3) float32 sRGB.

    Unlike paint, which welds vertices at the same position, each vertex keeps its own colour.
    """
    surface = build_surface(mesh, paint)
    rows = np.empty((len(surface.part), 3), np.int32)
    for here, part, offset in zip(rows_of_parts(surface.part, len(paint.parts)), paint.parts, paint.offsets):
        rows[here] = part.paint_rows[part.faces[surface.local_face[here]]] + offset
    surface = replace(surface, binding=VertexBinding(rows))
    return base_colours(mesh, paint, surface, anchor_rows(surface))


def sampled(image: Array, wrap: tuple[Wrap, Wrap], uvs: Array, corners: Array, rows: int) -> Array:
    """Bilinear samples (n, c) of a picture at UVs (n, 2), downsampled to about `rows` texels in use.

    `corners` are the UVs (f, 3, 2) of the faces that use it.
    """
    return bilinear(_shrunk(image, corners, rows), uvs, wrap)


def _shrunk(image: Array, corners: Array, rows: int) -> Array:
    """The picture, halved until it has about `rows` texels in use."""
    used = uv_areas(corners).sum() * image.shape[0] * image.shape[1]
    while used > 4 * rows and min(image.shape[:2]) > 8:
        image, used = _halved(image), used / 4
    return image


def _halved(image: Array) -> Array:
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    blocks = image[:height, :width].reshape(height // 2, 2, width // 2, 2, -1)
    # In bands, because as floats the whole picture takes four times the memory.
    bands = np.array_split(blocks, max(1, len(blocks) // _BAND))
    return np.concatenate([from_bytes(band).mean((1, 3)) for band in bands])


def bilinear(image: Array, uvs: Array, wrap: tuple[str, str] = ("repeat", "repeat")) -> Array:
    """Bilinear samples (n, c) of an image (h, w, c) at UVs (n, 2), origin bottom-left, texel centres at +0.5."""
    height, width = image.shape[:2]
    x, y = uvs[:, 0] * width - 0.5, (1 - uvs[:, 1]) * height - 0.5
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    left, right = (wrapped(x0 + k, width, wrap[0]) for k in (0, 1))
    top, bottom = (wrapped(y0 + k, height, wrap[1]) for k in (0, 1))
    upper = from_bytes(image[top, left]) * (1 - fx) + from_bytes(image[top, right]) * fx
    lower = from_bytes(image[bottom, left]) * (1 - fx) + from_bytes(image[bottom, right]) * fx
    return upper * (1 - fy) + lower * fy


def wrapped(index: Array, count: int, mode: str) -> Array:
    """Texel indices (…) wrapped to 0 … count − 1 by wrap mode."""
    index = index.astype(np.int64)
    if mode == "clamp":
        return np.clip(index, 0, count - 1)
    if mode == "mirror":
        index = index % (2 * count)
        return np.where(index < count, index, 2 * count - 1 - index)
    return index % count
