"""Loads .glb and .gltf files as a `Mesh` that keeps its document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.gltf.accessors import read_rows, read_values, view_bytes
from nst3d.formats.gltf.budget import claim_geometry
from nst3d.formats.gltf.capture import scene_from_capture
from nst3d.formats.gltf.container import read_document
from nst3d.formats.gltf.document import GltfDocument, Json, accessor_users
from nst3d.formats.gltf.materials import MaterialReader, base_colour, transform_uvs, uv_set
from nst3d.formats.gltf.nodes import Placement, placements, world_matrices
from nst3d.formats.gltf.pose import pose_vertices
from nst3d.formats.gltf.unpack import unpacked
from nst3d.images.colour import srgb_encode
from nst3d.limits import one_asset
from nst3d.representations.mesh import Instance, Mesh, Part, unit_frame
from nst3d.representations.triangles import face_normals
from nst3d.tensors import Array

_TRIANGLES, _STRIP, _FAN = 4, 5, 6
MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError)
"""What a malformed document raises while it is read."""


@dataclass
class _Findings:
    """Faults of the geometry, counted over all parts."""

    degenerate: int = 0
    bad_normals: int = 0
    bad_uvs: int = 0
    skipped: int = 0
    partial: int = 0

    def sentences(self) -> list[str]:
        """One sentence for the user per kind of fault found."""
        texts = {
            "{} triangles without area are kept, but cannot be seen": self.degenerate,
            "{} normals were zero or not numbers and were recomputed from the faces": self.bad_normals,
            "{} texture coordinates were not numbers and were set to zero": self.bad_uvs,
            "{} primitives are not painted, but kept: points, lines, or without triangles": self.skipped,
            "{} primitives end with an incomplete triangle, which was dropped": self.partial,
        }
        return [text.format(count) for text, count in texts.items() if count]


@one_asset()
def load_gltf(path: PathLike) -> Mesh:
    """The asset in a .glb or .gltf file: the default scene at rest.

    A part is a (mesh, primitive) with the coordinates stored in the file (if skinned: at rest, in scene
    coordinates); an instance is a node that shows it. `Mesh.document` is a `GltfDocument`, from which
    `save_gltf` writes back everything unpainted. Raises `InputError` for files that cannot be used; faults
    that can be repaired are listed in `Mesh.notes`.
    """
    path = Path(path)
    try:
        return _load(path)
    except MALFORMED as error:
        what = f"its glTF structure is malformed ({type(error).__name__}: {str(error)!r:.100})"
        raise InputError(f"{path}: {what}; export the asset again") from error


def _load(path: Path) -> Mesh:
    document, unpacking = unpacked(read_document(path))
    for index in range(len(document.items("bufferViews"))):
        view_bytes(document, index)
    accessor_users(document)  # needed for saving: a malformed reference fails now, not after painting
    world = world_matrices(document)
    findings, materials = _Findings(), MaterialReader(document)
    parts: list[Part] = []
    sources: list[tuple[int, int]] = []
    instances: list[Instance] = []
    of_mesh: dict[int, list[int]] = {}
    placed = placements(document, world)
    claim_geometry(document, placed)
    for placement in placed:
        if placement.mesh not in of_mesh:
            found = _read_mesh(document, placement, world, materials, findings)
            of_mesh[placement.mesh] = list(range(len(parts), len(parts) + len(found)))
            parts += found.values()
            sources += [(placement.mesh, primitive) for primitive in found]
        transform, name, above = placement.transform, placement.name, placement.above
        instances += [Instance(i, transform, name, above) for i in of_mesh[placement.mesh]]
    if not parts:
        raise document.fault("its scene shows no triangles", "export the asset with its meshes")
    return Mesh(
        parts=tuple(parts),
        instances=tuple(instances),
        materials=materials.materials(),
        textures=tuple(materials.textures),
        frame=unit_frame(tuple(parts), tuple(instances)),
        notes=(*unpacking, *materials.notes, *findings.sentences(), *_far_images(document, materials.images)),
        scene_from_capture=scene_from_capture(document),
        document=replace(document, sources=tuple(sources)),
    )


def _read_mesh(
    document: GltfDocument,
    placement: Placement,
    world: list[Array],
    materials: MaterialReader,
    findings: _Findings,
) -> dict[int, Part]:
    """The parts of a mesh by primitive index, except those without triangles."""
    mesh = document.item("meshes", placement.mesh)
    name = str(mesh.get("name") or placement.name or f"mesh {placement.mesh}")
    found = {}
    for index, primitive in enumerate(mesh["primitives"]):
        if primitive.get("mode", _TRIANGLES) not in (_TRIANGLES, _STRIP, _FAN):
            findings.skipped += 1
            continue
        if "POSITION" not in primitive["attributes"]:
            findings.skipped += 1
            continue
        _check_rows(document, primitive)
        vertices, normals = pose_vertices(document, primitive, placement, world)
        if not np.isfinite(vertices).all():
            remedy = "repair it, e.g. in Blender: Mesh > Clean Up, then export again"
            raise document.fault(f"'{name}' has NaN or infinite vertices", remedy)
        faces = _read_faces(document, primitive, len(vertices), findings)
        if not len(faces):
            findings.skipped += 1
            continue
        found[index] = Part(
            name=name if len(mesh["primitives"]) == 1 else f"{name}.{index}",
            vertices=vertices,
            faces=faces,
            material=materials.use(primitive),
            normals=_mend_normals(vertices, faces, normals, findings),
            uvs=_read_uvs(document, primitive, faces, findings),
            colours=_read_colours(document, primitive),
            alphas=_read_alphas(document, primitive),
        )
        if primitive.get("mode", _TRIANGLES) == _TRIANGLES:
            findings.degenerate += int((face_normals(vertices[faces]) == 0).all(axis=1).sum())
    return found


def _far_images(document: GltfDocument, painted: set[int]) -> list[str]:
    """A sentence about files that the painted asset will still refer to: missing ones, or no pictures."""
    uris = {index: image.get("uri", "data:") for index, image in enumerate(document.items("images"))}
    far = [
        str(u)
        for i, u in uris.items()
        if not str(u).startswith("data:") and i not in {*document.images, *painted}
    ]
    if not far:
        return []
    listed = ", ".join(far[:6])
    return [
        f"{len(far)} images are missing, or not in a known format, and are not copied along: {listed:.200}"
    ]


def _check_rows(document: GltfDocument, primitive: Json) -> None:
    """Raises unless every attribute, painted or not, is readable and has one row per vertex."""
    expected = document.integer(document.item("accessors", primitive["attributes"]["POSITION"]), "count")
    for attributes in (primitive["attributes"], *primitive.get("targets", [])):
        for name, accessor in attributes.items():
            found = len(read_rows(document, accessor))
            if found != expected:
                raise document.fault(f"{found} rows of {name} for {expected} vertices")


def _read_faces(document: GltfDocument, primitive: Json, vertices: int, findings: _Findings) -> Array:
    """(f, 3) int32 triangles of a list, strip or fan, wound as in glTF 2.0, section 3.7.2.1."""
    if "indices" in primitive:
        rows = read_rows(document, primitive["indices"])
        if rows.dtype.kind != "u" or rows.shape[1] != 1:
            raise document.fault("a primitive's indices are not unsigned integers")
        indices = rows[:, 0].astype(np.int64)
        if len(indices) and indices.max() >= vertices:
            what = f"a triangle refers to vertex {indices.max()}, but its part has {vertices}"
            raise document.fault(what, "the file is damaged: export the asset again")
    else:
        indices = np.arange(vertices)
    mode = primitive.get("mode", _TRIANGLES)
    if mode == _TRIANGLES:
        findings.partial += len(indices) % 3 > 0
        return indices[: len(indices) // 3 * 3].reshape(-1, 3).astype(np.int32)
    i = np.arange(max(len(indices) - 2, 0))
    if mode == _STRIP:
        corners = np.stack([i, i + 1 + i % 2, i + 2 - i % 2], axis=1)
    else:
        corners = np.stack([i + 1, i + 2, np.zeros_like(i)], axis=1)
    return indices[corners].astype(np.int32)


def _read_uvs(document: GltfDocument, primitive: Json, faces: Array, findings: _Findings) -> Array | None:
    """(f, 3, 2) float64 corner UVs used by the primitive's base colour, origin bottom-left."""
    material = document.item("materials", primitive["material"]) if "material" in primitive else {}
    holder, key, _ = base_colour(material)
    info = holder.get(key, {})
    name = f"TEXCOORD_{uv_set(info)}"
    if name not in primitive["attributes"]:
        return None
    uvs = read_values(document, primitive["attributes"][name], 2)
    bad = ~np.isfinite(uvs)
    findings.bad_uvs += int(bad.any(axis=1).sum())
    uvs = transform_uvs(document, info, np.where(bad, 0.0, uvs))
    return np.stack([uvs[:, 0], 1.0 - uvs[:, 1]], axis=1)[faces]


def _read_colours(document: GltfDocument, primitive: Json) -> Array | None:
    """(v, 3) float32 vertex colours, sRGB-encoded from COLOR_0's linear light."""
    if "COLOR_0" not in primitive["attributes"]:
        return None
    linear = read_values(document, primitive["attributes"]["COLOR_0"])
    linear = np.clip(np.nan_to_num(linear[:, :3], nan=1.0), 0.0, 1.0)
    return srgb_encode(linear).astype(np.float32)


def _read_alphas(document: GltfDocument, primitive: Json) -> Array | None:
    """(v,) float32 alpha of COLOR_0 in [0, 1]; None if it has none, or is opaque everywhere."""
    if "COLOR_0" not in primitive["attributes"]:
        return None
    columns = read_values(document, primitive["attributes"]["COLOR_0"])[:, 3:]
    alphas = np.clip(np.nan_to_num(columns, nan=1.0), 0.0, 1.0).astype(np.float32)
    return alphas[:, 0] if (alphas < 1).any() else None


def _mend_normals(vertices: Array, faces: Array, normals: Array | None, findings: _Findings) -> Array | None:
    """(v, 3) float32 unit normals; zero or non-finite ones are replaced by a face normal."""
    if normals is None:
        return None
    with np.errstate(all="ignore"):
        units = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    bad = ~np.isfinite(units).all(axis=1)
    if bad.any():
        findings.bad_normals += int(bad.sum())
        of_vertex = np.zeros_like(vertices)
        of_vertex[:, 2] = 1.0
        solid = face_normals(vertices[faces])
        seen = solid.any(axis=1)
        of_vertex[faces[seen].ravel()] = np.repeat(solid[seen], 3, axis=0)
        units[bad] = of_vertex[bad]
    return units.astype(np.float32)
