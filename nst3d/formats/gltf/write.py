"""Saves a painted mesh as .glb or .gltf."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nst3d.files import PathLike
from nst3d.formats.gltf.container import write_document
from nst3d.formats.gltf.fresh import fresh_document
from nst3d.formats.gltf.notes import keeps_document
from nst3d.formats.gltf.read import load_gltf
from nst3d.formats.gltf.repaint import repaint
from nst3d.formats.gltf.textures import PaintedImage
from nst3d.formats.gltf.tint import tint
from nst3d.formats.meshes.painted_images import slot_png
from nst3d.formats.registry import Format, register_format
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import MeshPaint, TexturePaint, VertexPaint
from nst3d.tensors import Array


def save_gltf(path: PathLike, mesh: Mesh, paint: MeshPaint, colours: Array) -> list[Path]:
    """Writes the mesh with its paint to one self-contained file and returns the paths written.

    `colours` is the (n, 3) float32 table, sRGB-encoded in [0, 1], that `paint` maps onto the mesh. A mesh
    that came from glTF keeps its own document, unless vertex paint has subdivided its faces: skins, animations,
    morph targets, other maps, extensions and extras stay byte for byte. Anything else becomes a new document in
    its rest pose. A .gltf path gets its buffer as a data URI; any other path is written as GLB.
    Raises `OutputError`; a partial file is never left behind.
    """
    path = Path(path)
    if colours.shape != (paint.num_colours, 3):
        raise ValueError(f"a table of shape {colours.shape} for a paint with {paint.num_colours} colours")
    kept = keeps_document(mesh, paint)
    if kept and isinstance(paint, VertexPaint):
        editor = tint(mesh.document, mesh, paint, colours)
    elif kept and isinstance(paint, TexturePaint):
        shown = {s for p, s in zip(mesh.parts, paint.slot_of_part) if p.material not in paint.kept_materials}
        editor = repaint(mesh.document, mesh, paint, _painted_images(paint, colours, shown))
    else:
        images = {}
        if isinstance(paint, TexturePaint):
            images = _painted_images(paint, colours, paint.slot_of_part)
        editor = fresh_document(path, mesh, paint, images, colours)
    write_document(path, *editor.build())
    return [path]


def _painted_images(paint: TexturePaint, colours: Array, shown: Iterable[int]) -> dict[int, PaintedImage]:
    slots = {index: paint.slots[index] for index in shown}
    return {i: PaintedImage(slot_png(slot, colours), slot.name, slot.wrap) for i, slot in slots.items()}


_ANY_PAINT = frozenset({"textures", "vertices", "blocks"})

register_format(
    Format("glb", (".glb",), "mesh", "a GLB", load_gltf, save_gltf, magic=(b"glTF",), holds=_ANY_PAINT)
)
register_format(Format("gltf", (".gltf",), "mesh", "a glTF", load_gltf, save_gltf, holds=_ANY_PAINT))
