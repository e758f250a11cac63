"""Reads Wavefront OBJ with its MTL and textures.

Not trimesh's OBJ reader (5.2), which splits vertices at UV seams, reorders faces, triangulates concave
polygons as fans, fails on negative indices, and loses textures named `.\\file.jpg`; all of
these occur in common assets. Source: the OBJ specification, Alias/Wavefront, 1995.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nst3d.errors import InputError, shown
from nst3d.files import PathLike
from nst3d.formats.io.files import OutsideError, find_beside, read_bytes
from nst3d.formats.io.textscan import Lines, parse_numbers, select, split_lines, tokens_per_line
from nst3d.formats.meshes.mtl import DEFAULT_KD, MapOptions, MtlMaterial, other_maps, parse_mtl
from nst3d.formats.meshes.obj_faces import Corners, read_corners
from nst3d.formats.meshes.textures import MID_GREY, load_mask, load_texture, map_file
from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Similarity, Texture
from nst3d.representations.repair import repaired
from nst3d.representations.rows import unique_rows, used_rows
from nst3d.representations.triangles import unit
from nst3d.tensors import Array


@dataclass(frozen=True)
class ObjDocument:
    """An OBJ as read, so that it can be written back with only its base colours changed."""

    path: Path
    text: bytes
    library: bytes
    """All its MTL files, one after the other."""
    folders: tuple[Path, ...]
    """Search path for textures: beside the OBJ, then beside each MTL."""
    unnamed: str = ""
    """Material of the faces if the text names none; empty: there is no such material."""


@dataclass(frozen=True)
class _Tables:
    """The vertex data that faces refer to."""

    vertices: Array
    colours: Array | None
    uvs: Array
    normals: Array


@np.errstate(invalid="ignore", over="ignore")
def load_obj(path: PathLike) -> Mesh:
    """The mesh in an OBJ file, one part per material, in the order in which faces use them.

    Up is +Y and front is +Z. Vertices are split only where the file gives them several normals. Polygons
    are triangulated. A missing MTL or texture, broken faces and the like become notes. Raises InputError
    if the file is not an OBJ, broken or truncated, has no faces, or has vertices that are not numbers.
    """
    path = Path(path)
    data = read_bytes(path)
    if b"\0" in data[:4096]:
        raise InputError(f"{path}: not an OBJ but a binary file; rename it to the suffix of its format")
    lines = split_lines(data)
    tables = _read_tables(lines, path)
    corners, notes = read_corners(lines, tables.vertices, (len(tables.uvs), len(tables.normals)), path)
    if not len(corners.vertex):
        what = "has points or lines alone" if len(tables.vertices) else "is empty"
        raise InputError(f"{path}: no faces, it {what}; expected a triangle or polygon mesh")
    document, library_notes = _read_library(lines, path, data)
    library = parse_mtl(document.library)
    if corners.materials == ("",) and library:
        document, note = _without_usemtl(document, library)
        corners = replace(corners, materials=(document.unnamed,))
        notes = [*notes, note]
    materials, textures, material_notes = _materials(corners.materials, library, document.folders)
    if tables.colours is not None:
        materials = tuple(replace(m, factor=(1.0, 1.0, 1.0)) if m.texture is None else m for m in materials)
    options = [library[m.name].options if m.name in library else MapOptions() for m in materials]
    parts = tuple(_part(tables, corners, k, m, options[k]) for k, m in enumerate(materials))
    mesh = Mesh(
        parts=parts,
        instances=tuple(Instance(k, name=part.name) for k, part in enumerate(parts)),
        materials=materials,
        textures=textures,
        frame=Similarity(np.zeros(3), 1.0),
        notes=(*library_notes, *material_notes, *notes),
        groups=corners.groups,
        document=document,
    )
    return repaired(mesh, str(path))


def _read_tables(lines: Lines, path: Path) -> _Tables:
    values, counts = _numbers(lines, b"v", path)
    if len(counts) and counts.min() < 3:
        raise InputError(f"{path}: broken or truncated; a vertex has fewer than 3 coordinates")
    starts = np.cumsum(counts) - counts
    vertices = values[starts[:, None] + np.arange(3)] if len(counts) else np.zeros((0, 3))
    coloured = counts >= 6
    colours = None
    if coloured.any():
        colours = np.full((len(counts), 3), np.nan, np.float32)
        colours[coloured] = values[starts[coloured, None] + np.arange(3, 6)]
        # Some programs write 0 … 255 instead of 0 … 1.
        colours = np.clip(colours / (255 if np.nanmax(colours, initial=0) > 1.0 else 1), 0, 1)
    return _Tables(vertices, colours, _rows(lines, b"vt", 2, path), _rows(lines, b"vn", 3, path))


def _numbers(lines: Lines, keyword: bytes, path: Path) -> tuple[Array, Array]:
    """All numbers on the lines with a keyword, and their count per line."""
    text = select(lines, lines.starting(keyword), len(keyword))
    counts = tokens_per_line(text)
    return parse_numbers(text, np.float64, int(counts.sum()), str(path)), counts


def _rows(lines: Lines, keyword: bytes, width: int, path: Path) -> Array:
    """The first `width` numbers of each line with a keyword; NaN where a line is shorter."""
    values, counts = _numbers(lines, keyword, path)
    column = np.arange(width)
    place = (np.cumsum(counts) - counts)[:, None] + column
    padded = np.append(values, np.full(width, np.nan))
    return np.where(column < counts[:, None], padded[np.minimum(place, len(values))], np.nan)


def _read_library(lines: Lines, path: Path, text: bytes) -> tuple[ObjDocument, list[str]]:
    files: list[Path] = []
    notes = []
    for number in np.flatnonzero(lines.starting(b"mtllib")):
        name = lines.text(int(number))[len("mtllib") :].strip()
        try:
            # A line may list several files, or one whose name contains spaces.
            whole = find_beside(name, [path.parent])
            found = [whole] if whole else [find_beside(word, [path.parent]) for word in name.split()]
        except OutsideError as error:
            notes.append(f"{error}; using mid grey")
            continue
        files += [f for f in found if f is not None and f not in files]
        if None in found:
            notes.append(f"material file {shown(name)} was not found beside the mesh; using mid grey")
    folders = tuple(dict.fromkeys([path.parent, *(f.parent for f in files)]))
    library = b"\n".join(read_bytes(f) for f in files)
    for name in other_maps(library, dict.fromkeys(parse_mtl(library), "")):
        note = map_file(name, folders)[1]
        notes += [f"{note}; it will not be copied"] if note else []
    return ObjDocument(path, text, library, folders), notes


def _without_usemtl(document: ObjDocument, library: Mapping[str, MtlMaterial]) -> tuple[ObjDocument, str]:
    """The document with the material of faces that name none: the only one, if it is; and a note."""
    if len(library) > 1:
        return document, f"no face names a material (usemtl) and there are {len(library)}; using light grey"
    (only,) = library
    return replace(document, unnamed=only), f"no face names a material (usemtl); using the only one, {only!r}"


def _materials(
    names: tuple[str, ...], library: Mapping[str, MtlMaterial], folders: tuple[Path, ...]
) -> tuple[tuple[Material, ...], tuple[Texture, ...], list[str]]:
    """The materials in order of name, and their textures, each file read once."""
    materials, notes = [], []
    textures: dict[tuple[str, bool, tuple[float, float], str | None], int | None] = {}
    read: list[Texture] = []
    for name in names:
        entry = library.get(name)
        if entry is None:
            materials.append(Material(name, MID_GREY if name else DEFAULT_KD))
            if name:
                notes.append(f"material {shown(name)} is not defined in any material file; using mid grey")
            continue
        texture = None
        if entry.image is not None:
            key = (entry.image, entry.options.clamp, entry.options.tone, entry.mask)
            if key not in textures:
                loaded, more = _texture(entry.image, entry, folders)
                textures[key] = None if loaded is None else len(read)
                read += [] if loaded is None else [loaded]
                notes += more
            texture = textures[key]
            if entry.options.turbulent:
                notes.append(f"material {shown(name)} disturbs its texture (-t); this is not applied")
        plain = Material(name, _factor(entry, texture is not None), texture)
        materials.append(_transparent(plain, entry, None if texture is None else read[texture].alpha))
    return tuple(materials), tuple(read), notes


def _texture(image: str, entry: MtlMaterial, folders: tuple[Path, ...]) -> tuple[Texture | None, list[str]]:
    """The picture of map_Kd with -mm applied and the opacity of map_d; and notes."""
    loaded, note = load_texture(image, folders, entry.options.clamp)
    if loaded is None:
        return None, [f"{note}; using mid grey"]
    notes = [note] if note else []
    base, gain = entry.options.tone
    if (base, gain) != (0.0, 1.0):
        loaded = replace(
            loaded, pixels=np.clip(base + gain * from_bytes(loaded.pixels), 0, 1).astype(np.float32)
        )
    if entry.mask is None:
        return loaded, notes
    alpha, note = load_mask(entry.mask, folders)
    loaded = replace(loaded, alpha=loaded.alpha if alpha is None else alpha)
    return loaded, [*notes, f"{note}; it is taken as opaque"] if note else notes


def _transparent(material: Material, entry: MtlMaterial, alpha: Array | None) -> Material:
    """The material with the opacity of d and of map_d, whose picture has `alpha` (h, w)."""
    masked = from_bytes(alpha) if alpha is not None and entry.mask is not None else None
    if entry.opacity == 1 and masked is not None and bool(np.isin(masked, (0, 1)).all()):
        return replace(material, alpha_mode="mask")
    if entry.opacity < 1 or masked is not None:
        return replace(material, alpha_mode="blend", alpha=entry.opacity)
    return material


def _factor(entry: MtlMaterial, textured: bool) -> tuple[float, float, float]:
    if entry.image is not None and not textured:
        return MID_GREY
    # Exporters write Kd 0 0 0 with a map when they mean the map alone.
    return (1.0, 1.0, 1.0) if textured and not any(entry.diffuse) else entry.diffuse


def _part(tables: _Tables, corners: Corners, index: int, material: Material, options: MapOptions) -> Part:
    mine = corners.material == index
    vertex, uv, normal = corners.vertex[mine], corners.uv[mine], corners.normal[mine]
    uvs = None
    if (uv >= 0).any():
        uvs = options.place(np.where((uv >= 0)[..., None], tables.uvs[uv], np.nan))
    rows, faces, normals = _split_at_normals(vertex, normal, tables)
    colours = None if tables.colours is None or material.texture is not None else tables.colours[rows]
    groups = corners.group[mine] if corners.groups else None
    return Part(
        material.name or "mesh", tables.vertices[rows], faces, index, normals, uvs, colours, groups=groups
    )


def _split_at_normals(vertex: Array, normal: Array, tables: _Tables) -> tuple[Array, Array, Array | None]:
    """Rows of the vertex table, one per (vertex, normal) pair, faces that index them, and the normals."""
    if (normal < 0).any() or not np.isfinite(tables.normals).all():
        rows, faces = used_rows(len(tables.vertices), vertex)
        return rows, faces, None
    used, place = used_rows(len(tables.normals), normal)
    directions = tables.normals[used].astype(np.float32)
    first, same = unique_rows(directions)
    key = vertex.astype(np.int64) * len(first) + same[place]
    pairs, faces = np.unique(key, return_inverse=True)
    given = directions[first][pairs % len(first)]
    normals = unit(given, (0.0, 0.0, 0.0)).astype(np.float32)
    return pairs // len(first), faces.reshape(vertex.shape).astype(np.int32), normals
