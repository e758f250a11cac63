"""Paints a kept glTF document on its vertices: COLOR_0 holds the paint, and base colours are white."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from nst3d.formats.gltf.accessors import read_rows, read_values
from nst3d.formats.gltf.coats import own_material, primitive_of, strip
from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.formats.gltf.edit import VERTEX_DATA, GltfEditor
from nst3d.formats.gltf.materials import glows
from nst3d.formats.gltf.textures import PaintedImage, swap_textures
from nst3d.formats.gltf.tidy import tidy
from nst3d.images.colour import srgb_decode
from nst3d.images.io import encode_png
from nst3d.images.levels import from_bytes
from nst3d.representations.mesh import Mesh, Texture
from nst3d.representations.paint import VertexPaint
from nst3d.tensors import Array

_FULL = 65535.0


def tint(document: GltfDocument, mesh: Mesh, paint: VertexPaint, colours: Array) -> GltfEditor:
    """The document with the table `colours` (n, 3), sRGB-encoded, as COLOR_0 of the paint's parts.

    These must have the document's own vertices. Painted colours already include factor and texture: factors become
    white (alpha stays), and textures are removed, or white where they have an alpha channel. Parts with a material
    of `paint.kept_materials` stay as they are.
    """
    editor = GltfEditor(document)
    taken: set[int] = set()
    cut_outs: dict[int, PaintedImage] = {}
    wanted: list[tuple[int, int | None]] = []
    places: list[tuple[Json, str, Json]] = []
    for index in sorted({part.material for part in mesh.parts} - paint.kept_materials):
        parts = [i for i, part in enumerate(mesh.parts) if part.material == index]
        material = own_material(editor, index, parts, taken, alone=True)
        _unlit_glow(material)
        holders, info = strip(material)
        texture = mesh.materials[index].texture
        if info and texture is not None and (image := _cut_out(mesh.textures[texture])):
            cut_outs[index] = image
            wanted.append((index, info["index"]))
            places += [(holder, key, info) for holder, key in holders[:1]]
        for part in parts:
            _write(editor, primitive_of(editor, part), linear_light(paint.at_vertices(part, colours)))
    for number, (holder, key, info) in zip(swap_textures(editor, cut_outs, wanted), places):
        holder[key] = {**copy.deepcopy(info), "index": number}
    tidy(editor)
    return editor


@dataclass(frozen=True)
class PointPaint:
    """The paint of a primitive's vertices: sums of colours, of which a vertex that is shown twice has two."""

    total: Array
    """(v, 3) float64, sRGB-encoded."""
    times: Array
    """(v,) int64, how many colours each sum has; 0: the vertex keeps its colour."""


def tint_points(document: GltfDocument, paints: Mapping[tuple[int, int], PointPaint]) -> GltfEditor:
    """The document with painted points, by (mesh, primitive); textures, which tint points, and factors go into them."""
    document = replace(document, sources=tuple(paints))
    editor, taken = GltfEditor(document), set[int]()
    materials: dict[int | None, list[int]] = {}
    for part, (mesh, number) in enumerate(paints):
        primitive = document.items("meshes")[mesh]["primitives"][number]
        materials.setdefault(primitive.get("material"), []).append(part)
    for index, parts in materials.items():
        factor = np.ones(3)
        if index is not None:
            material = own_material(editor, index, parts, taken, alone=True)
            pbr = material.get("pbrMetallicRoughness", {})
            factor = np.asarray(document.numbers(pbr, "baseColorFactor", (1.0,) * 4)[:3])
            strip(material)
        for part in parts:
            primitive, paint = primitive_of(editor, part), paints[document.sources[part]]
            old = primitive["attributes"].get("COLOR_0")
            own = np.ones_like(paint.total) if old is None else read_values(document, old)[:, :3]
            mean = paint.total / np.maximum(paint.times, 1)[:, None]
            linear = np.where(paint.times[:, None] > 0, srgb_decode(mean), own * factor)
            _write(editor, primitive, linear)
    tidy(editor)
    return editor


def linear_light(colours: Array) -> Array:
    """sRGB-encoded colours (n, 3), clamped, in linear light, float64."""
    linear: Array = srgb_decode(np.clip(colours.astype(np.float64), 0.0, 1.0))
    return linear


def colour_rows(linear: Array, alpha: Array | None = None) -> Array:
    """Rows (n, 4) uint16 of COLOR_0 for linear light (n, 3) and alpha (n,) in [0, 1]; None: opaque."""
    rows = np.concatenate([linear, np.ones((len(linear), 1)) if alpha is None else alpha[:, None]], axis=1)
    return np.rint(rows * _FULL).astype("<u2")


def _unlit_glow(material: Json) -> None:
    """Moves a material's colour from its emission, which vertex colours do not tint, to its base colour."""
    if glows(material):
        material.pop("emissiveTexture", None)
        del material["emissiveFactor"]
        pbr = material.setdefault("pbrMetallicRoughness", {})
        pbr["baseColorFactor"] = [1.0, 1.0, 1.0, *pbr["baseColorFactor"][3:]]


def _cut_out(texture: Texture) -> PaintedImage | None:
    """A white image with a texture's alpha; None if it is opaque."""
    if texture.alpha is None or ((alpha := from_bytes(texture.alpha)) == 1).all():
        return None
    white = np.ones((*alpha.shape, 3), np.float32)
    return PaintedImage(encode_png(white, alpha), texture.name, texture.wrap)


def _write(editor: GltfEditor, primitive: Json, linear: Array) -> None:
    """Sets a primitive's COLOR_0 to linear light (v, 3), in the file's own type if that is float, with its alpha."""
    old = primitive["attributes"].get("COLOR_0")
    alpha = None if old is None else _alpha(editor.document, old)
    if old is not None and read_rows(editor.document, old).dtype.kind == "f":
        full = linear if alpha is None else np.concatenate([linear, alpha[:, None]], axis=1)
        primitive["attributes"]["COLOR_0"] = editor.put_rows(full.astype("<f4"), VERTEX_DATA, old)
        return
    accessor = editor.put_rows(colour_rows(linear, alpha), VERTEX_DATA, old)
    editor.json["accessors"][accessor]["normalized"] = True
    primitive["attributes"]["COLOR_0"] = accessor


def _alpha(document: GltfDocument, accessor: int) -> Array | None:
    """The alpha (n,) of vertex colours in [0, 1]; None if they have three columns."""
    values = read_values(document, accessor)
    return np.clip(np.nan_to_num(values[:, 3], nan=1.0), 0.0, 1.0) if values.shape[1] == 4 else None
