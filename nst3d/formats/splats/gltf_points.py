"""Point clouds in glTF: scenes of points without triangles, painted as points and written back in their document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.gltf.accessors import read_rows, read_values
from nst3d.formats.gltf.container import glb_bytes, peek_json, read_document
from nst3d.formats.gltf.document import GltfDocument, Json, accessor_users, extension
from nst3d.formats.gltf.nodes import Placement, placements, scene_nodes, world_matrices
from nst3d.formats.gltf.read import MALFORMED
from nst3d.formats.gltf.tint import PointPaint, tint_points
from nst3d.formats.gltf.unpack import unpacked
from nst3d.formats.io.peek import Peek
from nst3d.formats.registry import Format, register_format
from nst3d.formats.splats.points import as_cloud, as_splats, file_of
from nst3d.formats.splats.rows import Loaded, Paint
from nst3d.images.colour import srgb_encode
from nst3d.representations.points import PointCloud
from nst3d.representations.triangles import turned_normals
from nst3d.tensors import Array

_SUFFIXES = (".glb", ".gltf")
_POINTS, _LINES = 0, (1, 2, 3)
_SPLATS = "KHR_gaussian_splatting"
_UP = "y"


@dataclass(frozen=True)
class _Shown:
    """The points of one primitive at one place in the scene."""

    source: tuple[int, int]
    """(mesh, primitive)."""
    vertices: Array
    """(n,) int64, the vertex of each point."""
    columns: dict[str, Array]
    """(n,) each: x, y, z in scene coordinates, and normals and sRGB-encoded colours if there are any."""


@dataclass(frozen=True)
class _PointDocument:
    """The data from which painted points are written back."""

    document: GltfDocument
    shown: tuple[_Shown, ...]


def is_gltf_points(place: PathLike | Peek) -> bool:
    """Whether a glTF's default scene shows points and no triangles; splats are none."""
    peek = Peek.at(place)
    if peek.suffix not in _SUFFIXES or not peek.path.is_file():
        return False
    try:
        document = GltfDocument(peek.path, peek.once(peek_json), (), {})
        modes = {_mode(primitive) for primitive in _primitives(document)}
    except (InputError, *MALFORMED):
        return False  # the reader of meshes tells what is wrong
    return _POINTS in modes and modes <= {_POINTS, *_LINES}


def read_gltf_points(path: Path) -> Loaded:
    """The points of a glTF's default scene as opaque round splats. Raises InputError like `load_gltf`."""
    found = _read(path)
    lines = any(_mode(p) in _LINES for p in _primitives(found.document))
    notes = ["lines are not painted, but kept"] if lines else []
    loaded = as_splats(file_of(_joined(found.shown)), _UP, path)
    return replace(loaded, content=found, notes=(*notes, *loaded.notes))


def load_gltf_points(path: PathLike) -> PointCloud:
    """The finite points of a glTF's default scene, in scene coordinates. Raises InputError like `load_gltf`."""
    path = Path(path)
    return as_cloud(file_of(_joined(_read(path).shown)), _UP, path)


def repaint_gltf_points(found: _PointDocument, paint: Paint) -> bytes:
    """The document as GLB with new vertex colours, clamped; points shown several times get the mean of theirs."""
    paints: dict[tuple[int, int], PointPaint] = {}
    start = 0
    for shown in found.shown:
        rows = slice(start, start + len(shown.vertices))
        start = rows.stop
        mesh, number = shown.source
        primitive = found.document.items("meshes")[mesh]["primitives"][number]
        if shown.source not in paints:
            count = int(found.document.items("accessors")[primitive["attributes"]["POSITION"]]["count"])
            paints[shown.source] = PointPaint(np.zeros((count, 3)), np.zeros(count, np.int64))
        sums = paints[shown.source]
        changed = paint.changed[rows] | ("red" not in shown.columns)
        np.add.at(sums.total, shown.vertices[changed], np.clip(paint.colours[rows][changed], 0, 1))
        np.add.at(sums.times, shown.vertices[changed], 1)
    return glb_bytes(*tint_points(found.document, paints).build(), str(found.document.path))


def _read(path: Path) -> _PointDocument:
    try:
        document, _ = unpacked(read_document(path))
        accessor_users(document)  # needed for saving
        world = world_matrices(document)
        shown = [s for p in placements(document, world) for s in _shown(document, p)]
    except MALFORMED as error:
        what = f"its glTF structure is malformed ({type(error).__name__}: {str(error)!r:.100})"
        raise InputError(f"{path}: {what}; export the asset again") from error
    if not shown:
        raise InputError(f"{path}: holds no points")
    return _PointDocument(document, tuple(shown))


def _shown(document: GltfDocument, placement: Placement) -> Iterator[_Shown]:
    for number, primitive in enumerate(document.item("meshes", placement.mesh)["primitives"]):
        if _mode(primitive) != _POINTS or "POSITION" not in primitive["attributes"]:
            continue
        attributes, turn = primitive["attributes"], placement.transform
        places = read_values(document, attributes["POSITION"], 3)
        if not np.isin([len(read_rows(document, a)) for a in attributes.values()], len(places)).all():
            raise document.fault("the attributes of a primitive differ in length")
        vertices = np.arange(len(places))
        if "indices" in primitive:
            vertices = np.unique(read_rows(document, primitive["indices"])[:, 0].astype(np.int64))
            vertices = vertices[vertices < len(places)]
        columns = dict(zip("xyz", (places[vertices] @ turn[:3, :3].T + turn[:3, 3]).T))
        if "NORMAL" in attributes:
            normals = turned_normals(read_values(document, attributes["NORMAL"], 3)[vertices], turn[:3, :3])
            columns |= dict(zip(("nx", "ny", "nz"), normals.T))
        if (colours := _colours(document, primitive, len(places))) is not None:
            columns |= dict(zip(("red", "green", "blue"), colours[vertices].T))
        yield _Shown((placement.mesh, number), vertices, columns)


def _colours(document: GltfDocument, primitive: Json, count: int) -> Array | None:
    """(n, 3) float32 sRGB-encoded: vertex colours × factor; None: neither is given."""
    pbr = document.item("materials", primitive["material"]) if "material" in primitive else {}
    holder = pbr.get("pbrMetallicRoughness", {})
    factor = document.numbers(holder, "baseColorFactor", (1.0, 1.0, 1.0, 1.0))[:3]
    if "COLOR_0" in primitive["attributes"]:
        linear = read_values(document, primitive["attributes"]["COLOR_0"])[:, :3] * factor
    elif factor != [1.0, 1.0, 1.0]:
        linear = np.tile(factor, (count, 1))
    else:
        return None
    return srgb_encode(np.clip(np.nan_to_num(linear, nan=1.0), 0.0, 1.0)).astype(np.float32)


def _joined(shown: tuple[_Shown, ...]) -> dict[str, Array]:
    """The columns of all points; normals only if all have them, colours white where some have none."""
    first = {"red": np.float32(1), "green": np.float32(1), "blue": np.float32(1)}
    names = ["x", "y", "z"]
    if all("nx" in s.columns for s in shown):
        names += ["nx", "ny", "nz"]
    if any("red" in s.columns for s in shown):
        names += list(first)
    return {
        name: np.concatenate([s.columns.get(name, np.full(len(s.vertices), first.get(name))) for s in shown])
        for name in names
    }


def _primitives(document: GltfDocument) -> Iterator[Json]:
    """The primitives that the default scene shows."""
    for index in scene_nodes(document):
        node = document.item("nodes", index)
        if "mesh" in node:
            yield from document.item("meshes", node["mesh"])["primitives"]


def _mode(primitive: Json) -> int:
    """What a primitive's vertices make; -1 for splats."""
    return -1 if extension(primitive, _SPLATS) is not None else int(primitive.get("mode", 4))


register_format(
    Format(
        "gltf-points",
        _SUFFIXES,
        "points",
        "a point cloud",
        read_gltf_points,
        repaint=repaint_gltf_points,
        sniff=is_gltf_points,
    )
)
