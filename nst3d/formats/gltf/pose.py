"""The rest pose of a glTF primitive: morph targets at their default weights, then its skin's joints."""

from __future__ import annotations

import numpy as np

from nst3d.formats.gltf.accessors import read_rows, read_values
from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.formats.gltf.nodes import Placement
from nst3d.representations.triangles import turned_normals
from nst3d.tensors import Array


def pose_vertices(
    document: GltfDocument, primitive: Json, placement: Placement, world: list[Array]
) -> tuple[Array, Array | None]:
    """Positions (v, 3) and normals (v, 3) or None, float64, as a viewer shows them at rest.

    Without skin and morph weights these are the stored ones, in mesh coordinates. A skinned primitive
    comes out in scene coordinates: sum_k weight_k * world(joint_k) * inverseBind_k applied to the vertex
    (glTF 2.0, section 3.7.3.3), whatever its own node's transform.
    """
    attributes = primitive["attributes"]
    vertices = read_values(document, attributes["POSITION"], 3)
    normals = read_values(document, attributes["NORMAL"], 3) if "NORMAL" in attributes else None
    for weight, target in zip(placement.weights, primitive.get("targets", [])):
        for name, values in (("POSITION", vertices), ("NORMAL", normals)):
            if weight and values is not None and name in target:
                values += weight * read_values(document, target[name], 3)
    if placement.skin is None or "JOINTS_0" not in attributes:
        return vertices, normals
    matrices = _joint_matrices(document, placement.skin, world)
    blended = _blend(document, attributes, matrices, len(vertices))
    vertices = np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]
    return vertices, None if normals is None else turned_normals(normals, blended[:, :, :3])


def _joint_matrices(document: GltfDocument, skin_index: int, world: list[Array]) -> Array:
    """(j, 3, 4): rest-pose joint matrix times inverse bind matrix."""
    skin = document.item("skins", skin_index)
    for joint in skin["joints"]:
        document.item("nodes", joint)
    matrices = np.stack([world[int(joint)] for joint in skin["joints"]])
    if "inverseBindMatrices" in skin:
        inverse = read_values(document, skin["inverseBindMatrices"], 16).reshape(-1, 4, 4).transpose(0, 2, 1)
        if len(inverse) < len(matrices):
            raise document.fault(f"skins[{skin_index}] has {len(matrices)} joints, {len(inverse)} matrices")
        matrices = matrices @ inverse[: len(matrices)]
    return matrices[:, :3]


def _blend(document: GltfDocument, attributes: Json, matrices: Array, count: int) -> Array:
    """(v, 3, 4): the weighted mean of each vertex's joint matrices."""
    blended, total = np.zeros((count, 3, 4)), np.zeros(count)
    for level in range(sum(name.startswith("JOINTS_") for name in attributes)):
        joints = read_rows(document, attributes[f"JOINTS_{level}"])
        weights = read_values(document, attributes[f"WEIGHTS_{level}"], joints.shape[1])
        if joints.dtype.kind != "u" or (count and joints.max() >= len(matrices)):
            raise document.fault(f"a vertex refers to joint {joints.max()}, but its skin has {len(matrices)}")
        for column in range(joints.shape[1]):
            blended += weights[:, column, None, None] * matrices[joints[:, column]]
            total += weights[:, column]
    blended[total <= 0] = matrices[0]
    return blended / np.where(total > 0, total, 1.0)[:, None, None]
