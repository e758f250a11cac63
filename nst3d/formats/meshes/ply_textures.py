"""The textures of a PLY, and which of its faces have which."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.formats.meshes.ply_elements import PlyFile
from nst3d.formats.meshes.textures import MID_GREY, PLAIN_GREY, load_texture
from nst3d.representations.mesh import Material, Part, Texture
from nst3d.tensors import Array

_WHITE = (1.0, 1.0, 1.0)
_NONE = -1


@dataclass(frozen=True)
class FaceMaterials:
    """The materials of a PLY's triangles."""

    materials: tuple[Material, ...]
    """Each is used by a face."""
    textures: tuple[Texture, ...]
    of_face: Array
    """(f,) index into `materials`."""
    notes: tuple[str, ...]
    """Problems found and how they were handled, one sentence each, for the user."""


def face_materials(file: PlyFile, path: Path, polygon: Array, whole: Part) -> FaceMaterials:
    """The textures in comments `TextureFile NAME`, which faces choose by `texnumber`, counted from 0.

    `<this>` in a name, as VCGLIB writes it, stands for the PLY's own name without its suffix.
    `polygon` (f,) is the file's face that each triangle of `whole` comes from. Faces without a texture have
    the vertex colours, or are grey.
    """
    given = [c[len("texturefile") :].strip() for c in file.comments if c.lower().startswith("texturefile")]
    names = [name.replace("<this>", path.stem) for name in given]
    coloured = whole.colours is not None
    if not names or whole.uvs is None:
        plain = Material("material", _WHITE if coloured else PLAIN_GREY)
        return FaceMaterials((plain,), (), np.zeros(len(polygon), np.int64), ())
    numbers, notes = _numbers(file, polygon, len(names))
    used, of_face = np.unique(numbers, return_inverse=True)
    remedy = "the vertex colours" if coloured else "mid grey"
    materials, textures = [], list[Texture]()
    for number in used:
        name = "material" if len(used) == 1 else f"material_{number + 1}"
        texture, note = None, "some faces have no texture"
        if number != _NONE:
            texture, note = load_texture(names[number], [path.parent])
        if texture is None:
            notes.append(f"{note}; using {remedy}")
            materials.append(Material(name, _WHITE if coloured else MID_GREY))
            continue
        notes += [note] if note else []
        materials.append(Material(name, _WHITE, len(textures)))
        textures.append(texture)
    if coloured and textures:
        notes.append("the texture overrides the vertex colours")
    return FaceMaterials(tuple(materials), tuple(textures), of_face.reshape(-1), tuple(notes))


def _numbers(file: PlyFile, polygon: Array, count: int) -> tuple[Array, list[str]]:
    """The texture of each triangle, -1 for none; and notes."""
    given = file.elements.get("face", {}).get("texnumber")
    if isinstance(given, np.ndarray) and len(given):
        numbers = given[polygon]
        known = (numbers >= 0) & (numbers < count)
        if known.any():
            return np.where(known, numbers, _NONE).astype(np.int64), []
    notes = [] if count == 1 else ["several textures, and its faces do not say which; using the first"]
    return np.zeros(len(polygon), np.int64), notes
