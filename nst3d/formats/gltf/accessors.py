"""Decodes glTF accessors: strided, normalised and sparse arrays in buffers, every length checked first."""

from __future__ import annotations

from typing import Any

import numpy as np

from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.tensors import Array

COMPONENTS: dict[int, np.dtype[Any]] = {
    5120: np.dtype("<i1"),
    5121: np.dtype("<u1"),
    5122: np.dtype("<i2"),
    5123: np.dtype("<u2"),
    5125: np.dtype("<u4"),
    5126: np.dtype("<f4"),
}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_MAX_IMPLICIT = 1 << 22  # most rows of zeros in an accessor without data


def view_bytes(document: GltfDocument, index: int) -> memoryview:
    """The bytes of a buffer view."""
    view = document.item("bufferViews", index)
    document.item("buffers", view.get("buffer"))
    data = document.buffers[int(view["buffer"])]
    start, size = document.integer(view, "byteOffset", 0), document.integer(view, "byteLength")
    if start + size > len(data):
        what = f"bufferViews[{index}] ends at byte {start + size} of a buffer of {len(data)}"
        raise document.fault(what, "the file is damaged: download or export it again")
    return data[start : start + size]


def read_rows(document: GltfDocument, index: int) -> Array:
    """The accessor's rows (count, width) as stored: its own integer or float type, sparse entries applied."""
    accessor = document.item("accessors", index)
    count = document.integer(accessor, "count")
    kind, width = _layout(document, accessor)
    if "bufferView" in accessor:
        rows = _strided(document, accessor, f"accessors[{index}]", (count, width))
    elif count <= _MAX_IMPLICIT:
        rows = np.zeros((count, width), dtype=kind)
    else:
        raise document.fault(f"accessors[{index}] claims {count} rows without any data")
    sparse = accessor.get("sparse")
    if isinstance(sparse, dict):
        changed = document.integer(sparse, "count")
        where = {**sparse["indices"], "type": "SCALAR"}
        what = {**sparse["values"], "type": accessor["type"], "componentType": accessor["componentType"]}
        targets = _strided(document, where, f"accessors[{index}].sparse", (changed, 1))[:, 0]
        if changed and (targets.dtype.kind != "u" or int(targets.max()) >= count):
            raise document.fault(f"accessors[{index}].sparse has an index beyond its {count} rows")
        rows[targets] = _strided(document, what, f"accessors[{index}].sparse", (changed, width))
    return rows


def read_values(document: GltfDocument, index: int, width: int | None = None) -> Array:
    """The accessor's rows (count, width) as float64, normalised integers mapped to [0, 1] or [-1, 1].

    Raises `InputError` if `width` is given and differs from the accessor's.
    """
    rows = read_rows(document, index)
    if width is not None and rows.shape[1] != width:
        raise document.fault(f"accessors[{index}] has {rows.shape[1]} numbers per row, expected {width}")
    with np.errstate(invalid="ignore"):  # signalling NaNs
        values = rows.astype(np.float64)
    if document.item("accessors", index).get("normalized") is True and rows.dtype.kind in "iu":
        return np.maximum(values / np.iinfo(rows.dtype).max, -1.0)
    return values


def _layout(document: GltfDocument, accessor: Json) -> tuple[np.dtype[Any], int]:
    kind, width = COMPONENTS.get(accessor.get("componentType", 0)), WIDTHS.get(accessor.get("type", ""))
    if kind is None or width is None:
        what = f"an accessor of type {accessor.get('type')!r:.20}, {accessor.get('componentType')!r:.20}"
        raise document.fault(f"{what} is not allowed for geometry")
    return kind, width


def _strided(document: GltfDocument, accessor: Json, name: str, shape: tuple[int, int]) -> Array:
    """A copy of the rows, after checking that the buffer view contains them all."""
    kind, width = _layout(document, accessor)
    data = view_bytes(document, accessor["bufferView"])
    start, row = document.integer(accessor, "byteOffset", 0), kind.itemsize * width
    stride = document.integer(document.item("bufferViews", accessor["bufferView"]), "byteStride", 0) or row
    count = shape[0]
    if stride < row or (count and start + (count - 1) * stride + row > len(data)):
        what = f"{name} claims {count} rows of {row} bytes, more than its buffer view of {len(data)} holds"
        raise document.fault(what, "the file is damaged: download or export it again")
    if not count:
        return np.zeros(shape, dtype=kind)
    strides = (stride, kind.itemsize)
    return np.array(np.ndarray(shape, dtype=kind, buffer=data, offset=start, strides=strides))
