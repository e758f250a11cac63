"""Splats in glTF: the extension KHR_gaussian_splatting, on primitives of points.

Values are activated (scales and opacities linear), rotations x y z w, y is up. A painted document keeps everything
but the colours: harmonics, and COLOR_0, which viewers without the extension show.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.gltf.accessors import read_rows, read_values
from nst3d.formats.gltf.container import glb_bytes, read_document
from nst3d.formats.gltf.document import GltfDocument, Json, extension
from nst3d.formats.gltf.edit import VERTEX_DATA, GltfEditor
from nst3d.formats.gltf.nodes import placements, world_matrices
from nst3d.formats.gltf.unpack import unpacked
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.rows import MAX_DEGREE, Loaded, Paint, Rows
from nst3d.images.colour import srgb_decode
from nst3d.representations.harmonics import from_colours, to_colours
from nst3d.tensors import Array

NAME = "KHR_gaussian_splatting"
_TRIANGLES = (4, 5, 6)
_LONGEST_JSON = 64 * 2**20
_MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError)
_CONVERT = "convert it to .ply or .spz, or export it without compression"


@dataclass(frozen=True)
class _Cloud:
    """The splats of one primitive."""

    attributes: Json
    count: int
    degree: int


@dataclass(frozen=True)
class GltfSplats:
    """A document and its primitives of splats, in the order of the rows."""

    document: GltfDocument
    primitives: tuple[tuple[int, int], ...]
    """The mesh and primitive of each cloud."""


def read_gltf_splats(path: Path) -> Loaded:
    """The splats that the default scene of a .glb or .gltf shows, in the coordinates of their mesh.

    Raises InputError for a broken file, splats that are compressed or of linear colours, and several clouds at
    different places.
    """
    try:
        return _read(path)
    except _MALFORMED as error:
        what = f"its glTF structure is malformed ({type(error).__name__}: {str(error)!r:.100})"
        raise InputError(f"{path}: {what}; export the asset again") from error


def _read(path: Path) -> Loaded:
    document, notes = unpacked(read_document(path))
    places = placements(document, world_matrices(document))
    found = {
        (p.mesh, i): p.transform
        for p in places
        for i, primitive in enumerate(document.item("meshes", p.mesh)["primitives"])
        if extension(primitive, NAME) is not None
    }
    if not found:
        raise document.fault("its scene shows no splats", "export the asset with them")
    transforms = list(found.values())
    if len(found) < sum(p.mesh in {m for m, _ in found} for p in places) or any(
        not np.allclose(t, transforms[0]) for t in transforms
    ):
        raise document.fault("it shows splats at several places", "merge them into one cloud")
    clouds = [_cloud(document, mesh, index) for mesh, index in found]
    width = (min(max(c.degree for c in clouds), MAX_DEGREE) + 1) ** 2
    rows = [_rows(document, cloud, width) for cloud in clouds]
    whole = Rows(**{k: np.concatenate([getattr(r, k) for r in rows]) for k in Rows.__dataclass_fields__})
    up = transforms[0][:3, :3].T @ np.array([0.0, 1.0, 0.0])
    if not np.allclose(transforms[0], np.eye(4)):
        notes = (*notes, "the splats are read in the coordinates of their mesh, without its node's transform")
    x, y, z = (float(v) for v in up / np.linalg.norm(up))
    return Loaded(whole, GltfSplats(document, tuple(found)), notes, (x, y, z))


def repaint_gltf_splats(content: GltfSplats, paint: Paint) -> bytes:
    """The document as GLB with new colours; harmonics × `paint.specular`."""
    editor, start = GltfEditor(content.document), 0
    for mesh, index in content.primitives:
        cloud = _cloud(content.document, mesh, index)
        rows = slice(start, start + cloud.count)
        attributes = editor.json["meshes"][mesh]["primitives"][index]["attributes"]
        for name, values in _painted(content.document, cloud, paint, rows).items():
            attributes[name] = editor.put_rows(values, VERTEX_DATA, attributes[name])
        start += cloud.count
    return glb_bytes(*editor.build(), str(content.document.path))


def _cloud(document: GltfDocument, mesh: int, index: int) -> _Cloud:
    primitive = document.item("meshes", mesh)["primitives"][index]
    told = extension(primitive, NAME) or {}
    if packed := list(told.get("extensions", {})):
        raise document.fault(f"its splats are compressed ({packed[0]:.60})", _CONVERT)
    if str(told.get("colorSpace", "")).startswith("lin"):
        raise document.fault("its splats have linear colours", "export them with srgb_rec709_display")
    attributes = primitive["attributes"]
    needed = ("POSITION", *(f"{NAME}:{n}" for n in ("ROTATION", "SCALE", "OPACITY")), _harmonic(0, 0))
    if missing := [name for name in needed if name not in attributes]:
        raise document.fault(f"its splats lack {', '.join(missing)}", _CONVERT)
    counts = {document.integer(document.item("accessors", attributes[n]), "count") for n in attributes}
    if len(counts) > 1:
        raise document.fault("the attributes of its splats differ in length")
    degree = 0
    while all(_harmonic(degree + 1, k) in attributes for k in range(2 * degree + 3)):
        degree += 1
    return _Cloud(attributes, counts.pop(), degree)


def _rows(document: GltfDocument, cloud: _Cloud, width: int) -> Rows:
    def values(name: str, columns: int) -> Array:
        return read_values(document, cloud.attributes[name], columns)

    harmonics = np.zeros((cloud.count, width, 3))
    names = [_harmonic(d, k) for d in range(cloud.degree + 1) for k in range(2 * d + 1)]
    for column, name in enumerate(names[:width]):
        harmonics[:, column] = _floats(document, cloud, name)
    return Rows(
        positions=values("POSITION", 3),
        scales=values(f"{NAME}:SCALE", 3),
        rotations=values(f"{NAME}:ROTATION", 4)[:, [3, 0, 1, 2]],
        opacities=values(f"{NAME}:OPACITY", 1)[:, 0],
        harmonics=harmonics,
    )


def _painted(document: GltfDocument, cloud: _Cloud, paint: Paint, rows: slice) -> dict[str, Array]:
    """The attributes that change, as stored, by name."""
    if paint.nothing:
        return {}
    changed, colours = paint.changed[rows], paint.colours[rows]
    old = _floats(document, cloud, _harmonic(0, 0))
    new = {_harmonic(0, 0): np.where(changed[:, None], from_colours(colours), old).astype("<f4")}
    if paint.fades:
        for name in (n for n in cloud.attributes if n.startswith(f"{NAME}:SH_") and n != _harmonic(0, 0)):
            values, share = _floats(document, cloud, name), paint.column[rows]
            new[name] = np.where(share == 1, values, values * share).astype("<f4")
    if "COLOR_0" in cloud.attributes:
        new["COLOR_0"] = _fallback(document, cloud.attributes["COLOR_0"], (to_colours(old), colours), changed)
    return new


def _fallback(document: GltfDocument, accessor: int, tables: tuple[Array, Array], changed: Array) -> Array:
    """COLOR_0 as stored, from colours before and after; encoded or linear, whichever it was before."""
    rows = read_rows(document, accessor).copy()
    shown = read_values(document, accessor)[:, :3]
    before, after = (np.clip(table.astype(np.float64), 0, 1) for table in tables)
    linear = np.abs(srgb_decode(before) - shown).mean() < np.abs(before - shown).mean()
    levels = srgb_decode(after) if linear else after
    if rows.dtype.kind == "u":
        levels = np.floor(levels * np.iinfo(rows.dtype).max + 0.5)
    rows[changed, :3] = levels[changed]
    return rows


def _floats(document: GltfDocument, cloud: _Cloud, name: str) -> Array:
    """The rows (n, 3) float32 of a harmonic, which only floats may hold."""
    rows = read_rows(document, cloud.attributes[name])
    if rows.dtype != np.float32 or rows.shape[1] != 3:
        raise document.fault(f"{name} holds {rows.shape[1]} {rows.dtype} a row, expected 3 floats")
    return rows


def _harmonic(degree: int, index: int) -> str:
    return f"{NAME}:SH_DEGREE_{degree}_COEF_{index}"


def _sniff(peek: Peek) -> bool:
    return bool(peek.once(_shows_splats))


def _shows_splats(path: Path) -> bool:
    """Whether a glTF has primitives of splats and none of triangles; its buffers are not read."""
    try:
        text = _json_of(path)
        if NAME.encode() not in text:
            return False
        content: Any = json.loads(text.decode("utf-8-sig"))
        primitives = [p for mesh in content["meshes"] for p in mesh["primitives"]]
        splats = [p for p in primitives if NAME in p.get("extensions", {})]
        return bool(splats) and not any(p.get("mode", 4) in _TRIANGLES for p in primitives)
    except (OSError, struct.error, *_MALFORMED):
        return False


def _json_of(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(20)
        if not start.startswith(b"glTF"):
            return start + file.read(_LONGEST_JSON)
        return file.read(min(struct.unpack_from("<I", start, 12)[0], _LONGEST_JSON))


register_format(
    Format(
        "gltf-splats",
        (".glb", ".gltf"),
        "splats",
        "a glTF with splats",
        read_gltf_splats,
        repaint=repaint_gltf_splats,
        sniff=_sniff,
        rank=2,
    )
)
