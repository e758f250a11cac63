"""Alpha of an asset's own textures, carried into a new atlas, whose colours would otherwise be opaque."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from nst3d.images.fill import fill
from nst3d.representations.appearance import sampled
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import TexturePaint, TextureSlot
from nst3d.representations.surface import Surface, TexelBinding
from nst3d.representations.texels import anchor_rows
from nst3d.representations.triangles import uv_areas
from nst3d.tensors import Array, Image, ImageSize

_LARGEST = 4096
"""Long side of an atlas's alpha, pixels, unless its colours have more."""


def carry_alpha(mesh: Mesh, paint: TexturePaint, surface: Surface) -> TexturePaint:
    """The paint with alpha in the new atlases of parts whose materials read it from textures.

    `surface` is that of the mesh with this paint. Alpha is about as fine as in the textures, in whole multiples
    of the atlas's size, so that the outlines of leaves stay sharp however coarse the colours are.
    """
    slots = list(paint.slots)
    for number, slot in enumerate(slots):
        parts = [
            index
            for index, (own, fresh) in enumerate(zip(paint.slot_of_part, paint.fresh))
            if own == number and fresh and _cut_out(mesh, index) is not None
        ]
        if parts:
            alpha = _atlas_alpha(mesh, paint, surface, number, parts)
            slots[number] = replace(slot, alpha=alpha, clear=True)
    return replace(paint, slots=tuple(slots))


def _cut_out(mesh: Mesh, index: int) -> Array | None:
    """The alpha (h, w) that a part reads from its texture; None if it reads none."""
    part = mesh.parts[index]
    material = mesh.materials[part.material]
    if material.alpha_mode == "opaque" or material.texture is None or part.uvs is None:
        return None
    return mesh.textures[material.texture].alpha


def _atlas_alpha(mesh: Mesh, paint: TexturePaint, surface: Surface, number: int, parts: list[int]) -> Array:
    """The alpha of a slot, (h, w) float32: that of `parts`, and 1 on all others."""
    size = _fine_size(mesh, paint, paint.slots[number], parts)
    binding = surface.binding
    assert isinstance(binding, TexelBinding)
    faces = np.flatnonzero(binding.slot == number)
    one = np.array([[0, *size, 1, 1]], np.int32)
    own = TexelBinding(binding.corners[faces], np.zeros(len(faces), np.int32), one)
    anchors = anchor_rows(replace(surface, binding=own, num_colours=size.height * size.width))
    face = np.where(anchors.valid, faces[anchors.face], -1)
    alpha = np.ones((len(face), 1), np.float32)
    for index in parts:
        rows = np.flatnonzero((face >= 0) & (surface.part[face] == index))
        source, part = _cut_out(mesh, index), mesh.parts[index]
        wrap = mesh.textures[mesh.materials[part.material].texture or 0].wrap
        assert source is not None
        assert part.uvs is not None
        uvs = np.einsum("nk,nkc->nc", anchors.weights[rows], part.uvs[surface.local_face[face[rows]]])
        alpha[rows] = sampled(source[..., None], wrap, uvs, part.uvs, len(rows))
    known = torch.from_numpy((face >= 0).astype(np.float32).reshape(*size, 1))
    filled = fill(Image(torch.from_numpy(alpha.reshape(*size, 1))), Image(known))
    return filled[..., 0].clamp(0, 1).numpy()


def _fine_size(mesh: Mesh, paint: TexturePaint, slot: TextureSlot, parts: list[int]) -> ImageSize:
    """A multiple of a slot's size with texels about as small as those of the parts' textures."""
    finest = 1.0
    for index in parts:
        source, own = _cut_out(mesh, index), mesh.parts[index].uvs
        assert source is not None
        assert own is not None
        texels = uv_areas(own).sum() * source.size
        room = uv_areas(paint.uvs[index]).sum() * slot.size.height * slot.size.width
        finest = max(finest, float(np.sqrt(texels / room)) if room > 0 else 1.0)
    times = min(int(np.ceil(finest)), max(1, _LARGEST // max(slot.size)))
    return ImageSize(slot.size.height * times, slot.size.width * times)
