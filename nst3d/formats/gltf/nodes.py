"""The node hierarchy of a glTF document: the meshes of its default scene and their transforms."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nst3d.formats.gltf.accessors import read_values
from nst3d.formats.gltf.document import GltfDocument, Json, extension
from nst3d.tensors import Array

_INSTANCING = "EXT_mesh_gpu_instancing"
_MOST_INSTANCES = 1 << 20
_HUGE = 1e30  # largest matrix entry; together with float32 positions this keeps squares finite


@dataclass(frozen=True)
class Placement:
    """A node of the scene with a mesh."""

    name: str
    above: tuple[str, ...]
    """Names of the nodes above it, the nearest first."""
    mesh: int
    transform: Array
    """(4, 4) float64, mesh to scene; the identity for a skinned mesh, whose joints place it."""
    skin: int | None
    weights: tuple[float, ...]
    """Morph target weights at rest; empty if all are zero."""


def world_matrices(document: GltfDocument) -> list[Array]:
    """The (4, 4) float64 matrix from node to scene coordinates, for each node.

    Raises `InputError` if the hierarchy is not a forest: a loop, or a node with two parents.
    """
    nodes, parents = document.items("nodes"), _parents(document)
    world: dict[int, Array] = {}
    stack = [(i, np.eye(4)) for i in range(len(nodes)) if i not in parents]
    while stack:
        index, above = stack.pop()
        with np.errstate(over="ignore", invalid="ignore"):
            world[index] = above @ _local_matrix(document, nodes[index])
        if not np.abs(world[index]).max() < _HUGE:
            raise document.fault(f"nodes[{index}] has a transform beyond {_HUGE:g}")
        if index not in nodes[index].get("children", []):
            stack.extend((int(child), world[index]) for child in nodes[index].get("children", []))
    if len(world) < len(nodes):
        raise document.fault("its node hierarchy has a loop")
    return [world[i] for i in range(len(nodes))]


def _parents(document: GltfDocument) -> dict[int, int]:
    """The node above each that has one. Raises `InputError` for a node with two."""
    parents: dict[int, int] = {}
    for index, node in enumerate(document.items("nodes")):
        for child in node.get("children", []):
            document.item("nodes", child)
            if parents.setdefault(int(child), index) != index:
                raise document.fault(f"nodes[{child}] has two parents")
    return parents


def placements(document: GltfDocument, world: list[Array]) -> list[Placement]:
    """The nodes of the default scene that have a mesh, and all instances of each, parents before children.

    If one mesh is shown in several poses (skins, morph weights), all but the first get a copy of the
    mesh in the document's JSON, with the same accessors, so that each mesh has one rest pose.
    """
    found, parents = [], _parents(document)
    poses: dict[int, tuple[Any, ...]] = {}
    copies: dict[tuple[Any, ...], int] = {}
    for index in scene_nodes(document):
        node = document.item("nodes", index)
        if "mesh" not in node:
            continue
        placement = _place(document, node, world[index], _names_above(document, index, parents))
        own = _instances(document, node)
        pose = (placement.skin, placement.weights)
        if poses.setdefault(placement.mesh, pose) != pose:
            key = (placement.mesh, *pose)
            if key not in copies:
                copies[key] = len(document.items("meshes"))
                document.json["meshes"].append(copy.deepcopy(document.item("meshes", placement.mesh)))
            node["mesh"] = copies[key]
            placement = replace(placement, mesh=copies[key])
        found += [replace(placement, transform=placement.transform @ matrix) for matrix in own]
    return found


def _instances(document: GltfDocument, node: Json) -> list[Array]:
    """The (4, 4) transforms at which a node shows its mesh: one, or those of EXT_mesh_gpu_instancing.

    A skinned mesh has one, because its joints place it.
    """
    packed = extension(node, _INSTANCING)
    accessors = packed.get("attributes", {}) if packed and "skin" not in node else {}
    widths = {"TRANSLATION": 3, "ROTATION": 4, "SCALE": 3}
    given = {n: read_values(document, accessors[n], w) for n, w in widths.items() if n in accessors}
    counts = {len(rows) for rows in given.values()}
    if not counts:
        return [np.eye(4)]
    if len(counts) > 1 or not 0 < min(counts) <= _MOST_INSTANCES:
        raise document.fault(
            f"{_INSTANCING} lists {sorted(counts)} instances, expected 1 to {_MOST_INSTANCES}"
        )
    if not all((np.abs(rows) < _HUGE).all() for rows in given.values()):
        raise document.fault(f"{_INSTANCING} has values that are not finite or beyond {_HUGE:g}")
    matrices = np.tile(np.eye(4), (counts.pop(), 1, 1))
    if "ROTATION" in given:
        matrices[:, :3, :3] = [_rotation(q) for q in given["ROTATION"]]
    matrices[:, :3, :3] *= given["SCALE"][:, None] if "SCALE" in given else 1.0
    matrices[:, :3, 3] = given.get("TRANSLATION", 0.0)
    return list(matrices)


def _names_above(document: GltfDocument, index: int, parents: Mapping[int, int]) -> tuple[str, ...]:
    names = []
    while index in parents:
        index = parents[index]
        names.append(str(document.item("nodes", index).get("name", "")))
    return tuple(name for name in names if name)


def _place(document: GltfDocument, node: Json, world: Array, above: tuple[str, ...]) -> Placement:
    mesh = document.item("meshes", node["mesh"])
    skin = document.integer(node, "skin") if "skin" in node else None
    holder = node if "weights" in node else mesh
    weights = document.numbers(holder, "weights", (0.0,) * len(holder.get("weights", [])))
    return Placement(
        name=str(node.get("name", mesh.get("name", ""))),
        above=above,
        mesh=int(node["mesh"]),
        transform=np.eye(4) if skin is not None else world,
        skin=skin,
        weights=tuple(weights) if any(weights) else (),
    )


def scene_nodes(document: GltfDocument) -> list[int]:
    """All nodes under the default scene (the first if none is named; all nodes if there is no scene)."""
    if not document.items("scenes"):
        return list(range(len(document.items("nodes"))))
    scene = document.item("scenes", document.json.get("scene", 0))
    order: list[int] = []
    stack = list(reversed(scene.get("nodes", [])))
    while stack:
        node = document.item("nodes", stack[-1])
        order.append(int(stack.pop()))
        stack.extend(reversed(node.get("children", [])))
        if len(order) > len(document.items("nodes")):
            raise document.fault("its scene lists a node twice")
    return order


def _local_matrix(document: GltfDocument, node: Json) -> Array:
    if "matrix" in node:
        return np.array(document.numbers(node, "matrix", (0.0,) * 16)).reshape(4, 4).T
    matrix = np.eye(4)
    rotation = _rotation(np.array(document.numbers(node, "rotation", (0.0, 0.0, 0.0, 1.0))))
    matrix[:3, :3] = rotation * document.numbers(node, "scale", (1.0, 1.0, 1.0))
    matrix[:3, 3] = document.numbers(node, "translation", (0.0, 0.0, 0.0))
    return matrix


def _rotation(quaternion: Array) -> Array:
    """The (3, 3) rotation of a quaternion x, y, z, w of any length (zero: no rotation)."""
    length = np.linalg.norm(quaternion)
    if length == 0 or not np.isfinite(length):
        return np.eye(3)
    x, y, z, w = quaternion / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
