"""PLY: reads scans with vertex colours or textures, writes vertex colours.

Not trimesh's PLY reader (5.2), which cannot read binary files that mix polygons, triangulates concave ones
as fans, and splits vertices at UV seams.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike, write_bytes
from nst3d.formats.io.files import read_bytes
from nst3d.formats.meshes.placing import Placed, placed
from nst3d.formats.meshes.ply_elements import PlyFile, Ragged, read_ply
from nst3d.formats.meshes.ply_textures import FaceMaterials, face_materials
from nst3d.formats.registry import Format, register_format
from nst3d.images.levels import to_bytes
from nst3d.representations.mesh import Instance, Mesh, Part, Similarity
from nst3d.representations.paint import MeshPaint, TexturePaint
from nst3d.representations.polygons import triangulate
from nst3d.representations.repair import repaired
from nst3d.representations.rows import used_rows
from nst3d.representations.triangles import unit
from nst3d.tensors import Array

_COLOUR_NAMES = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
_UV_NAMES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
_FULL = {"u1": 255.0, "u2": 65535.0, "f4": 1.0, "f8": 1.0}


@dataclass(frozen=True)
class _Triangles:
    faces: Array
    polygon: Array
    """(f,) the file's face that each triangle comes from."""
    uvs: Array | None


@np.errstate(invalid="ignore", over="ignore")
def load_ply(path: PathLike) -> Mesh:
    """The mesh in a PLY file; up is +Y and front +Z, as in the Stanford scans.

    Vertex colours may be integers or floats; face colours are averaged at each vertex. UVs are read
    from vertices (s t, u v, texture_u texture_v) or faces (texcoord), and textures from comments `TextureFile
    NAME`, which override vertex colours. Of several, each face has that of its `texnumber`, and each texture
    becomes a part. Polygons and triangle strips become triangles. Raises InputError if the file is broken or
    truncated, or a point cloud.
    """
    path = Path(path)
    file = read_ply(read_bytes(path), path)
    vertices = _columns(file, "vertex", ("x", "y", "z"))
    if vertices is None or not len(vertices):
        raise InputError(f"{path}: has no vertices; expected a mesh")
    triangles = _triangles(file, vertices, path)
    colours = _colours(file, "vertex")
    notes = []
    if colours is None and (of_faces := _colours(file, "face")) is not None:
        colours = _mean_at_vertices(of_faces[triangles.polygon], triangles.faces, len(vertices))
        notes.append("face colours were averaged at the vertices")
    normals = _columns(file, "vertex", ("nx", "ny", "nz"))
    whole = Part(
        name=path.stem,
        vertices=vertices.astype(np.float64),
        faces=triangles.faces,
        material=0,
        normals=None if normals is None else unit(normals, (0.0, 0.0, 0.0)).astype(np.float32),
        uvs=triangles.uvs,
        colours=colours,
    )
    looks = face_materials(file, path, triangles.polygon, whole)
    parts = _parts(whole, looks)
    mesh = Mesh(
        parts=parts,
        instances=tuple(Instance(k, name=part.name) for k, part in enumerate(parts)),
        materials=looks.materials,
        textures=looks.textures,
        frame=Similarity(np.zeros(3), 1.0),
        notes=(*notes, *looks.notes),
    )
    return repaired(mesh, str(path))


def save_ply(path: PathLike, mesh: Mesh, paint: MeshPaint, colours: Array) -> list[Path]:
    """Write vertex colours as binary PLY, with all instances merged into one mesh; returns [path].

    `colours` are the table's rows (n, 3) in [0, 1], sRGB-encoded; they become 8 bits. Coordinates are
    float if the asset's own all fit float32 exactly, otherwise double, so that they round-trip
    exactly. Raises ConfigError for paint in textures, which PLY cannot store.
    """
    path = Path(path)
    if isinstance(paint, TexturePaint):
        raise ConfigError(
            f"{path}: PLY holds vertex colours, not textures; save as .glb or .obj, or set"
            " `surface.paint='vertex'`"
        )
    items = placed(mesh, paint, colours)
    exact = all((p.vertices.astype(np.float32) == p.vertices).all() for p in mesh.parts)
    write_bytes(path, _ply_bytes(items, "<f4" if exact else "<f8"))
    return [path]


def _ply_bytes(items: list[Placed], coordinate: str) -> bytes:
    normal = all(i.normals is not None for i in items)
    fields = [(n, coordinate) for n in "xyz"] + ([(n, "<f4") for n in ("nx", "ny", "nz")] if normal else [])
    vertex = np.dtype(fields + [(n, "u1") for n in ("red", "green", "blue")])
    counts = [len(i.vertices) for i in items]
    rows = np.empty(sum(counts), vertex)
    shades = [to_bytes(i.colours) for i in items if i.colours is not None]
    columns = [*np.concatenate([i.vertices for i in items]).T]
    columns += [*np.concatenate([i.normals for i in items if i.normals is not None]).T] if normal else []
    for name, column in zip(vertex.names or (), [*columns, *np.concatenate(shades).T]):
        rows[name] = column
    faces = np.empty(sum(len(i.faces) for i in items), [("count", "u1"), ("index", "<i4", (3,))])
    faces["count"] = 3
    starts = np.cumsum([0, *counts[:-1]])
    faces["index"] = np.concatenate([i.faces + s for i, s in zip(items, starts)])
    kinds = {"<f4": "float", "<f8": "double", "|u1": "uchar"}
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(rows)}"]
    lines += [f"property {kinds[vertex[n].str]} {n}" for n in vertex.names or ()]
    lines += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", ""]
    return "\n".join(lines).encode() + rows.tobytes() + faces.tobytes()


def _columns(file: PlyFile, element: str, names: tuple[str, ...]) -> Array | None:
    table = file.elements.get(element, {})
    columns = [c for n in names if isinstance(c := table.get(n), np.ndarray)]
    return np.stack(columns, axis=1) if len(columns) == len(names) else None


def _colours(file: PlyFile, element: str) -> Array | None:
    """(n, 3) float32 in [0, 1], or None."""
    for names in _COLOUR_NAMES:
        values = _columns(file, element, names)
        if values is not None and len(values):
            full = _FULL.get(file.kinds[element, names[0]], 255.0)
            # Floats are 0 … 1 by convention, but some programs write 0 … 255.
            full = 255.0 if full == 1.0 and np.nanmax(values, initial=0) > 1.0 else full
            return np.clip(values / full, 0, 1).astype(np.float32)
    return None


def _triangles(file: PlyFile, vertices: Array, path: Path) -> _Triangles:
    table = file.elements.get("face", {})
    lists = [c for n in ("vertex_indices", "vertex_index") if isinstance(c := table.get(n), Ragged)]
    strips = file.elements.get("tristrips", {}).get("vertex_indices")
    if isinstance(strips, Ragged):
        faces = _strip_faces(strips)
        polygon = np.zeros(len(faces), np.int64)
        corners = faces.ravel()
        triangles = np.arange(len(corners)).reshape(-1, 3)
    elif lists:
        corners = lists[0].values.astype(np.int64)
        whole = lists[0].counts >= 3
        corner_kept = np.repeat(whole, lists[0].counts)
        _check_range(corners, len(vertices), path)
        offsets = np.flatnonzero(corner_kept)
        if not len(offsets):
            raise InputError(f"{path}: no faces with three corners")
        triangles, polygon = triangulate(vertices, corners[offsets], lists[0].counts[whole])
        triangles, polygon = offsets[triangles], np.flatnonzero(whole)[polygon]
    else:
        raise InputError(
            f"{path}: a point cloud of {len(vertices)} points without faces; mesh it first, "
            "for example with MeshLab's surface reconstruction"
        )
    _check_range(corners, len(vertices), path)
    uvs = _corner_uvs(file, corners)
    return _Triangles(corners[triangles].astype(np.int32), polygon, None if uvs is None else uvs[triangles])


def _check_range(corners: Array, count: int, path: Path) -> None:
    if len(corners) and not (corners.min() >= 0 and corners.max() < count):
        raise InputError(f"{path}: broken; a face refers to a missing vertex (the file has {count})")


def _strip_faces(strips: Ragged) -> Array:
    """Triangles (f, 3) of strips ended by -1 or the end of a list; every second one is flipped."""
    ends = np.cumsum(strips.counts)
    chain = np.insert(strips.values.astype(np.int64), ends, -1)
    position = np.arange(len(chain))
    since = position - np.maximum.accumulate(np.where(chain < 0, position, -1))
    faces = np.stack([chain[:-2], chain[1:-1], chain[2:]], axis=1)
    turned = since[:-2] % 2 == 0
    faces[turned] = faces[turned][:, ::-1]
    return faces[(faces >= 0).all(1)]


def _corner_uvs(file: PlyFile, corners: Array) -> Array | None:
    """UVs (c, 2) float64 of all corners, from faces or vertices."""
    texcoord = file.elements.get("face", {}).get("texcoord")
    if isinstance(texcoord, Ragged) and len(texcoord.values) == 2 * len(corners):
        return texcoord.values.reshape(-1, 2).astype(np.float64)
    for names in _UV_NAMES:
        values = _columns(file, "vertex", names)
        if values is not None:
            return values[corners].astype(np.float64)
    return None


def _mean_at_vertices(colours: Array, faces: Array, count: int) -> Array:
    weight = np.maximum(np.bincount(faces.ravel(), minlength=count), 1)
    shares = np.repeat(colours, 3, axis=0)
    sums = [np.bincount(faces.ravel(), shares[:, k], count) for k in range(3)]
    return (np.stack(sums, axis=1) / weight[:, None]).astype(np.float32)


def _parts(whole: Part, looks: FaceMaterials) -> tuple[Part, ...]:
    """The whole, or a part for each material that is used."""
    parts = []
    for number, material in enumerate(looks.materials):
        part = replace(whole, material=number)
        if len(looks.materials) > 1:
            mine = looks.of_face == number
            rows, faces = used_rows(len(whole.vertices), whole.faces[mine])
            part = replace(
                part,
                name=f"{whole.name}_{material.name}",
                vertices=whole.vertices[rows],
                faces=faces.astype(np.int32),
                normals=None if whole.normals is None else whole.normals[rows],
                uvs=None if whole.uvs is None else whole.uvs[mine],
                colours=None if whole.colours is None else whole.colours[rows],
            )
        parts.append(part if material.texture is None else replace(part, colours=None))
    return tuple(parts)


register_format(
    Format(
        "ply",
        (".ply",),
        "mesh",
        "a PLY",
        load_ply,
        save_ply,
        magic=(b"ply\n", b"ply\r"),
        holds=frozenset({"vertices"}),
    )
)
