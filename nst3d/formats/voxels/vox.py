"""MagicaVoxel .vox: reads voxels, and writes the same voxels in other colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike, write_bytes
from nst3d.formats.io.files import read_bytes
from nst3d.formats.registry import Format, register_format
from nst3d.formats.voxels.block_mesh import block_mesh, check_sides
from nst3d.formats.voxels.vox_chunks import (
    Node,
    VoxModel,
    read_materials,
    read_models,
    read_nodes,
    split_chunks,
)
from nst3d.formats.voxels.vox_fresh import BlocksDocument, fresh_vox
from nst3d.formats.voxels.vox_palette import default_palette, repainted
from nst3d.images.levels import to_bytes
from nst3d.representations.blocks import BlockGrid
from nst3d.representations.mesh import Instance, Mesh
from nst3d.representations.paint import MeshPaint, TexturePaint, VertexPaint
from nst3d.tensors import Array

_MOST_NODES = 100_000
_UNSEEN = 0.02
"""Weight of a hidden voxel in the choice of colours."""
_GAP = 2


@dataclass(frozen=True)
class VoxDocument:
    """A .vox file as read."""

    data: bytes
    end: int
    """Offset of the end of MAIN."""
    models: tuple[VoxModel, ...]
    palette: Array
    """(256, 4) uint8 RGBA by colour index."""
    palette_at: int | None
    """Offset of the palette, 4 bytes per entry, starting with index 1; None if the file has none."""
    materials: Array
    """(256,): indices with equal numbers have the same material."""
    model_of_part: tuple[int, ...]


def load_vox(path: PathLike) -> Mesh:
    """The exposed faces of the voxels in a MagicaVoxel file: one part per model, with `Part.cells`; up is +z.

    Models are placed as in the scene, hidden ones left out; without a scene they are placed in a row. A
    voxel's edge is 1. Raises InputError if the file is not a .vox, broken, truncated, or has no voxels or too
    many.
    """
    path = Path(path)
    data = read_bytes(path)
    chunks, end = split_chunks(data, path)
    models, nodes = read_models(chunks, path), read_nodes(chunks, path)
    placements, notes = _placements(models, nodes, path)
    kept = sorted({model for model, _, _ in placements})
    found = [c for c in chunks if c.name == b"RGBA" and len(c.content) >= 1020]
    palette = default_palette()
    if found:
        palette[1:] = np.frombuffer(found[-1].content, np.uint8, 1020).reshape(255, 4)
    grids = {k: BlockGrid(_solid(models[k])[1]) for k in kept}
    check_sides(path, sum(grids[k].num_sides for k, _, _ in placements))
    shades = palette[:, :3].astype(np.float32) / 255
    parts = tuple(
        grids[k].part(f"model {k}", 0, shades[models[k].indices[_solid(models[k])[0]]]) for k in kept
    )
    instances = tuple(Instance(kept.index(k), matrix, name) for k, matrix, name in placements)
    left = sum(bool(m.indices.any()) for m in models) - len(kept)
    if left:
        notes.append(f"models hidden in the scene, which keep their colours: {left}")
    place = found[-1].start if found else None
    document = VoxDocument(
        data, end, tuple(models), palette, place, read_materials(chunks, path), tuple(kept)
    )
    return block_mesh(parts, instances, document, notes=tuple(notes))


def save_vox(path: PathLike, mesh: Mesh, paint: MeshPaint, colours: Array) -> list[Path]:
    """Write painted voxels in at most 255 colours; returns [path].

    A mesh from a .vox keeps its file: palette entries and the voxels' colour indices change, everything else
    stays byte for byte. Voxels without an exposed face take the colour of the nearest voxel with one. A mesh
    from a .binvox becomes a new file. Raises ConfigError for a mesh not made of voxels, or paint in textures.
    """
    path = Path(path)
    document = mesh.document
    if isinstance(paint, TexturePaint) or not isinstance(document, VoxDocument | BlocksDocument):
        raise ConfigError(f"{path}: stores only voxels; save other meshes, and paint in textures, as .glb")
    if isinstance(document, BlocksDocument):
        write_bytes(path, fresh_vox(document, BlockGrid(document.cells).spread(to_bytes(colours))))
    else:
        write_bytes(path, _repainted_file(document, paint, colours))
    return [path]


def _repainted_file(document: VoxDocument, paint: VertexPaint, colours: Array) -> bytes:
    """The file with new colour indices and a palette for them."""
    wanted, weights = [], []
    for number, model in enumerate(document.models):
        solid, cells = _solid(model)
        shades, weight = document.palette[model.indices[solid], :3], np.full(len(cells), _UNSEEN)
        if number in document.model_of_part:
            index = document.model_of_part.index(number)
            first = paint.offsets[index]
            own = to_bytes(colours[first : first + paint.parts[index].num_paint_rows])
            grid = BlockGrid(cells)
            shades, weight[grid.shell] = grid.spread(own), 1.0
        wanted.append(shades)
        weights.append(weight)
    before = np.concatenate([m.indices[_solid(m)[0]] for m in document.models])
    shades = np.concatenate(wanted)
    if np.array_equal(shades, document.palette[before, :3]):
        return document.data
    palette, after = repainted(document.palette, document.materials, before, shades, np.concatenate(weights))
    data = bytearray(document.data)
    done = 0
    for model in document.models:
        solid, _ = _solid(model)
        indices = model.indices.copy()
        indices[solid] = after[done : done + len(solid)]
        done += len(solid)
        data[model.start + 3 : model.start + 4 * len(indices) : 4] = indices.tobytes()
    return _with_palette(data, document, palette)


def _with_palette(data: bytearray, document: VoxDocument, palette: Array) -> bytes:
    entries = palette[1:].tobytes()
    if document.palette_at is not None:
        data[document.palette_at : document.palette_at + len(entries)] = entries
        return bytes(data)
    chunk = b"RGBA" + (1024).to_bytes(4, "little") + bytes(4) + entries + bytes(4)
    children = int.from_bytes(data[16:20], "little") + len(chunk)
    data[16:20] = children.to_bytes(4, "little")
    data[document.end : document.end] = chunk
    return bytes(data)


def _solid(model: VoxModel) -> tuple[Array, Array]:
    """A mask of a model's entries that are voxels, and their cells."""
    solid = np.flatnonzero(model.indices)
    return solid, model.cells[solid]


_Placement = tuple[int, Array, str]


def _placements(
    models: list[VoxModel], nodes: dict[int, Node], path: Path
) -> tuple[list[_Placement], list[str]]:
    """The model, matrix from its cells to the scene, and name of each visible placement, and notes."""
    filled = [bool(m.indices.any()) for m in models]
    if not any(filled):
        raise InputError(f"{path}: holds no voxels")
    if not nodes:
        offsets = np.cumsum([0, *(m.size[0] + _GAP for m in models)])
        notes = ["models without a scene, painted side by side"] if sum(filled) > 1 else []
        row = [(k, _moved(float(offsets[k])), f"model {k}") for k in range(len(models)) if filled[k]]
        return row, notes
    found = list(_walk(models, nodes, path, hidden=False))
    notes = []
    if not any(filled[k] for k, _, _ in found):
        found = list(_walk(models, nodes, path, hidden=True))
        notes.append("the whole scene is hidden; it is painted anyway")
    if any(node.frames > 1 for node in nodes.values()):
        notes.append("is animated; its first frame is painted")
    found = [placement for placement in found if filled[placement[0]]]
    if not found:
        raise InputError(f"{path}: the scene shows no voxels")
    return found, notes


def _moved(x: float) -> Array:
    matrix = np.eye(4)
    matrix[0, 3] = x
    return matrix


def _walk(models: list[VoxModel], nodes: dict[int, Node], path: Path, hidden: bool) -> Iterator[_Placement]:
    """Every placement of a model, from the scene's roots down; hidden ones only on request."""
    below = {child for node in nodes.values() for child in node.children}
    stack = [(number, np.eye(4), "") for number in sorted(nodes, reverse=True) if number not in below]
    visits = 0
    while stack:
        number, matrix, name = stack.pop()
        visits += 1
        if visits > _MOST_NODES:
            raise InputError(f"{path}: its scene has more than {_MOST_NODES} nodes, or a loop")
        node = nodes.get(number)
        if node is None:
            raise InputError(f"{path}: broken; the scene refers to a missing node {number}")
        if node.hidden and not hidden:
            continue
        here = matrix if node.transform is None else matrix @ node.transform
        stack += [(child, here, node.name or name) for child in reversed(node.children)]
        if node.model is not None:
            if not 0 <= node.model < len(models):
                raise InputError(f"{path}: broken; the scene refers to model {node.model} of {len(models)}")
            # The scene rotates and moves a model about the corner of its middle cell.
            centred = np.eye(4)
            centred[:3, 3] = [-(side // 2) for side in models[node.model].size]
            yield node.model, here @ centred, name or f"model {node.model}"


register_format(
    Format(
        "vox",
        (".vox",),
        "mesh",
        "a MagicaVoxel model",
        load_vox,
        save_vox,
        magic=(b"VOX ",),
        holds=frozenset({"blocks"}),
        rank=1,
    )
)
