"""The opacity of a surface: alpha of materials and their textures, frozen while colours change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import WRAP_CODE, Material, Mesh, Part
from nst3d.tensors import Array

_SOLID = 254 / 255
"""Alpha from which a blended surface counts as opaque."""
_BLEND = -1.0
_LEAST_GLASS = 0.25
"""Share of light that glass stops at least, however clear: what no view shows gets no paint."""


@dataclass(frozen=True)
class Opacity:
    """What decides how much light a surface's points stop; faces are those of the `Surface`.

    Alpha at a point is its rule's factor times its face's own, interpolated, times the bilinear mean of its image.
    Where the rule's cutoff is negative it counts as it is; otherwise it counts as 1 if it reaches the cutoff, and
    as 0 if not. The opacity is that times what a solid point of the rule stops.
    """

    rule: Array
    """(f,) int32, rule of each face."""
    rules: Array
    """(r, 3) float32: factor, cutoff, and the share of light that a solid point stops."""
    image: Array
    """(r,) int32, image that each rule multiplies, or -1."""
    own: Array
    """(f, 3) float32 alpha of the corners of each face."""
    corners: Array
    """(f, 3, 2) float32 UVs of the asset's own textures, origin bottom-left."""
    images: Array
    """(i, 5) int32, per image: first row, height, width, wrap along u, wrap along v (`WRAP_CODE`)."""
    alphas: Array
    """(n,) float32, the images' alpha in [0, 1], top row first."""


def is_clear(mesh: Mesh, part: Part) -> bool:
    """Whether any point of a part lets light through."""
    material = mesh.materials[part.material]
    if material.transmission > 0:
        return True
    if material.alpha_mode == "opaque":
        return False
    alpha = _image(mesh, part)
    least = material.alpha * (1.0 if alpha is None else float(from_bytes(alpha.min(keepdims=True)).item()))
    if part.alphas is not None and len(part.faces):
        least *= float(part.alphas[part.faces].min())
    return least < (material.cutoff if material.alpha_mode == "mask" else _SOLID)


def surface_opacity(mesh: Mesh, parts: Sequence[Part], part: Array, local_face: Array) -> Opacity | None:
    """The opacity of a surface's faces, (f,) of a part each and of a face in it; None if all are opaque.

    `parts` are the mesh's, or its parts subdivided.
    """
    clear = [index for index, source in enumerate(parts) if is_clear(mesh, source)]
    if not clear:
        return None
    rules, image = [(1.0, 0.0, 1.0)], [-1]
    pictures: dict[int, int] = {}
    rule = np.zeros(len(part), np.int32)
    own = np.ones((len(part), 3), np.float32)
    corners = np.zeros((len(part), 3, 2), np.float32)
    for index in clear:
        source, here = parts[index], part == index
        material = mesh.materials[source.material]
        rule[here] = len(rules)
        rules.append(_rule(material))
        image.append(-1)
        if material.alpha_mode == "opaque":
            continue
        if source.alphas is not None:
            own[here] = source.alphas[source.faces[local_face[here]]]
        if _image(mesh, source) is not None and source.uvs is not None and material.texture is not None:
            image[-1] = pictures.setdefault(material.texture, len(pictures))
            corners[here] = source.uvs[local_face[here]]
    images, alphas = _packed(mesh, list(pictures))
    return Opacity(rule, np.array(rules, np.float32), np.array(image, np.int32), own, corners, images, alphas)


def _rule(material: Material) -> tuple[float, float, float]:
    stops = max(1 - material.transmission, _LEAST_GLASS)
    if material.alpha_mode == "opaque":
        return 1.0, _BLEND, stops
    return material.alpha, material.cutoff if material.alpha_mode == "mask" else _BLEND, stops


def _image(mesh: Mesh, part: Part) -> Array | None:
    """The alpha (h, w) that a part reads; None if it reads none."""
    texture = mesh.materials[part.material].texture
    return None if texture is None or part.uvs is None else mesh.textures[texture].alpha


def _packed(mesh: Mesh, textures: Sequence[int]) -> tuple[Array, Array]:
    """`Opacity.images` and `Opacity.alphas` of textures with alpha."""
    rows, alphas, offset = [], [], 0
    for index in textures:
        texture = mesh.textures[index]
        assert texture.alpha is not None
        height, width = texture.alpha.shape
        rows.append((offset, height, width, WRAP_CODE[texture.wrap[0]], WRAP_CODE[texture.wrap[1]]))
        alphas.append(from_bytes(texture.alpha).astype(np.float32, copy=False).ravel())
        offset += height * width
    return np.array(rows, np.int32).reshape(-1, 5), np.concatenate([*alphas, np.zeros(1, np.float32)])
