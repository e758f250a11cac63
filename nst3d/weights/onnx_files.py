"""Reads the tensors of ONNX files; nothing in their graphs is executed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.errors import InputError, MissingDependencyError, cut
from nst3d.limits import regular
from nst3d.tensors import Array

_LARGEST = 1 << 30
"""Bytes: an ONNX file, being one protocol buffer, cannot be much larger."""
_DEQUANTISED = "_dequant"
"""Suffix that converters give to the outputs of nodes that dequantise a weight."""


def read_onnx(path: Path) -> dict[str, torch.Tensor]:
    """The weights of an ONNX file, float32, by name.

    These are the initialisers in floating point under their own names, and those that the graph dequantises,
    (q − zero point) · scale for each channel, under the name of the dequantised value. Raises InputError for a
    file that is damaged or keeps its weights elsewhere, MissingDependencyError if `onnx` is not installed.
    """
    try:
        onnx = import_module("onnx")
    except ImportError:
        raise MissingDependencyError(
            f"{path}: an ONNX file needs the package onnx: pip install 'nst3d[instant]'"
        ) from None
    try:
        graph = onnx.load_from_string(_content(path)).graph
        if any(t.data_location == onnx.TensorProto.EXTERNAL for t in graph.initializer):
            raise InputError(f"{path}: keeps its weights in other files, expected them in this one")
        arrays = {t.name: np.asarray(onnx.numpy_helper.to_array(t)) for t in graph.initializer}
        plain = {name: _tensor(a) for name, a in arrays.items() if a.dtype.kind == "f"}
        return plain | dict(_dequantised(node, arrays) for node in graph.node if _is_weight(node, arrays))
    except InputError:
        raise
    except Exception as error:  # protobuf and onnx raise many kinds for a damaged file
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as an ONNX file ({cut(first)})") from None


def _content(path: Path) -> bytes:
    try:
        size = regular(path).stat().st_size
        if size > _LARGEST:
            raise InputError(f"{path}: has {size} bytes: an ONNX file of weights has at most {_LARGEST}")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _is_weight(node: Any, arrays: Mapping[str, Array]) -> bool:
    return node.op_type == "DequantizeLinear" and all(name in arrays for name in node.input)


def _dequantised(node: Any, arrays: Mapping[str, Array]) -> tuple[str, torch.Tensor]:
    """Name and values of an initialiser that a node dequantises."""
    quantised, scale, *rest = (arrays[name] for name in node.input)
    zero = rest[0] if rest else np.zeros_like(scale)
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    if scale.ndim:
        column = [1] * quantised.ndim
        column[axis] = -1
        scale, zero = scale.reshape(column), zero.reshape(column)
    values = (quantised.astype(np.float32) - zero.astype(np.float32)) * scale.astype(np.float32)
    return node.output[0].removesuffix(_DEQUANTISED), _tensor(values)


def _tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.float32))
