"""PyTorch3D's Meshes, painted in memory, one mesh of the batch after the other."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch

from nst3d.errors import ConfigError
from nst3d.formats.meshes.textures import PLAIN_GREY
from nst3d.integrations.objects import ObjectKind, Painted, painted_parts, register_object
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Similarity, Texture, Wrap
from nst3d.representations.repair import repaired
from nst3d.representations.split import split_vertices
from nst3d.tensors import Array

_NAME = "pytorch3d.structures.Meshes"
_WRAPS: dict[str, Wrap] = {"border": "clamp", "reflection": "mirror", "zeros": "clamp"}


def _read(meshes: Any) -> Sequence[Mesh]:
    return [_mesh(meshes, k) for k in range(len(meshes))]


def _mesh(meshes: Any, number: int) -> Mesh:
    """One mesh of a batch. Raises ConfigError for textures that are neither on UVs nor on vertices."""
    looks, kind = meshes.textures, type(meshes.textures).__name__
    uvs, colours, textures = None, None, list[Texture]()
    if kind == "TexturesUV":
        picture = _values(looks.maps_list()[number])
        uvs = _values(looks.verts_uvs_list()[number])[_values(looks.faces_uvs_list()[number])].astype(
            np.float64
        )
        if looks.align_corners:  # 0 and 1 are the middles of the outermost texels
            sides = np.array(picture.shape[1::-1])
            uvs = (uvs * (sides - 1) + 0.5) / sides
        wrap = _WRAPS[looks.padding_mode]
        textures.append(Texture("texture", np.clip(picture[..., :3], 0, 1), None, (wrap, wrap)))
    elif kind == "TexturesVertex":
        colours = np.clip(_values(looks.verts_features_list()[number]), 0, 1).astype(np.float32)
        if colours.shape[1] != 3:
            raise ConfigError(f"{_NAME}: vertex features of {colours.shape[1]} channels; expected 3, colours")
    elif looks is not None:
        raise ConfigError(f"{_NAME}: {kind} cannot be painted; give TexturesUV or TexturesVertex")
    vertices = _values(meshes.verts_list()[number]).astype(np.float64)
    faces = _values(meshes.faces_list()[number]).astype(np.int32)
    part = Part("mesh", vertices, faces, 0, uvs=uvs, colours=colours)
    material = Material("material", PLAIN_GREY if looks is None else (1.0, 1.0, 1.0), 0 if textures else None)
    frame = Similarity(np.zeros(3), 1.0)
    return repaired(
        Mesh((part,), (Instance(0),), (material,), tuple(textures), frame), f"mesh {number} of {_NAME}"
    )


def _values(tensor: torch.Tensor) -> Array:
    return np.array(tensor.detach().cpu().numpy())


def _give(meshes: Any, painted: Sequence[Painted]) -> Any:
    structures = import_module("pytorch3d.structures")
    made = [_batch(meshes, one) for one in painted]
    return made[0] if len(made) == 1 else structures.join_meshes_as_batch(made)


def _batch(meshes: Any, painted: Painted) -> Any:
    """A batch of one painted mesh, on the device of the old batch."""
    structures, renderer = (import_module(f"pytorch3d.{name}") for name in ("structures", "renderer"))
    (piece,) = painted_parts(painted)
    looks: Any
    if piece.pixels is None or piece.uvs is None:
        looks = renderer.TexturesVertex([_tensor(piece.colours, meshes)])
    else:
        _, corners, uvs = split_vertices(np.arange(piece.uvs.size // 2).reshape(-1, 3) * 0, piece.uvs)
        picture = piece.pixels[..., :3].astype(np.float32) / 255
        looks = renderer.TexturesUV(
            maps=[_tensor(picture, meshes)],
            faces_uvs=[_tensor(corners.astype(np.int64), meshes)],
            verts_uvs=[_tensor(uvs, meshes)],
            align_corners=False,
        )
    vertices, faces = _tensor(piece.part.vertices, meshes), _tensor(piece.part.faces.astype(np.int64), meshes)
    return structures.Meshes([vertices], [faces], looks)


def _tensor(values: Array | None, meshes: Any) -> torch.Tensor:
    """Values on the batch's device; those with a fraction in float32, which PyTorch3D computes in."""
    tensor = torch.from_numpy(np.ascontiguousarray(values)).to(meshes.device)
    return tensor.float() if tensor.is_floating_point() else tensor


register_object(ObjectKind(_NAME, "pytorch3d", ("Meshes",), "mesh", _read, _give))
