"""Reads VGG convolutions from weight files: quantised codebooks, torch state dicts and safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.errors import InputError, cut
from nst3d.features.layers import conv_shape, layer_names
from nst3d.limits import claim_archive, regular
from nst3d.tensors import Array

Convs = dict[str, tuple[torch.Tensor, torch.Tensor]]

_SAFETENSORS_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
_MAX_HEADER = 100_000_000


def read_convs(path: Path, architecture: str) -> Convs:
    """The convolutions of "vgg16" or "vgg19" in a file, float32, by layer name.

    `.safetensors` and torch files contain torchvision's keys (features.N.weight, features.N.bias); a torch
    file may contain codebooks instead (blockB_convI_W_q, _W_table, _b). Nothing in the file is executed.
    Raises InputError if the file cannot be read or lacks these convolutions in the right shapes.
    """
    tensors = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    codebooks = "block1_conv1_W_q" in tensors
    names = layer_names(architecture)
    convs: Convs = {}
    for index, layer in enumerate(names):
        if layer.startswith("conv"):
            try:
                pair = _codebook(tensors, layer) if codebooks else _plain(tensors, index)
            except KeyError as missing:
                raise InputError(
                    f"{path}: has no {missing}, so it is not a {architecture} weight file"
                ) from None
            convs[layer] = _checked(pair, layer, path)
    return convs


def _plain(tensors: Mapping[str, torch.Tensor], index: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tensors[f"features.{index}.weight"], tensors[f"features.{index}.bias"]


def _codebook(tensors: Mapping[str, torch.Tensor], layer: str) -> tuple[torch.Tensor, torch.Tensor]:
    block, convolution = layer[4:].split("_")
    key = f"block{block}_conv{convolution}"
    table, indices = tensors[f"{key}_W_table"], tensors[f"{key}_W_q"]
    if indices.dtype != torch.uint8 or table.shape != (256,):
        raise KeyError(f"{key}_W_table of 256 values")
    return table[indices.long()], tensors[f"{key}_b"]


def _checked(
    pair: tuple[torch.Tensor, torch.Tensor], layer: str, path: Path
) -> tuple[torch.Tensor, torch.Tensor]:
    weight, bias = (t.detach().to(torch.float32) for t in pair)
    out, inside = conv_shape(layer)
    if weight.shape != (out, inside, 3, 3) or bias.shape != (out,):
        found = f"{tuple(weight.shape)} and {tuple(bias.shape)}"
        raise InputError(f"{path}: {layer} has shapes {found}, expected ({out}, {inside}, 3, 3) and ({out},)")
    if not (torch.isfinite(weight).all() and torch.isfinite(bias).all()):
        raise InputError(f"{path}: {layer} contains non-finite values")
    return weight, bias


def _read_torch(path: Path) -> dict[str, torch.Tensor]:
    claim_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as a torch weight file ({cut(first)})") from None
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: contains a {type(content).__name__}, expected a dictionary of tensors")
    return {str(k): v for k, v in content.items() if isinstance(v, torch.Tensor)}


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        raw = np.memmap(regular(path), dtype=np.uint8, mode="c")
        length = int.from_bytes(raw[:8].tobytes(), "little")
        if len(raw) < 8 or length > min(_MAX_HEADER, len(raw) - 8):
            raise ValueError("its header claims more bytes than the file has")
        header = json.loads(raw[8 : 8 + length].tobytes())
        data = raw[8 + length :]
        return {k: _slice(data, k, spec) for k, spec in header.items() if k != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as a safetensors file ({error})") from None


def _slice(data: Array, key: str, spec: Mapping[str, Any]) -> torch.Tensor:
    """One tensor of the file. Raises ValueError, KeyError or TypeError if its entry is invalid."""
    dtype, shape = _SAFETENSORS_DTYPES[str(spec["dtype"])], spec["shape"]
    start, end = spec["data_offsets"]
    if not isinstance(shape, list) or any(not isinstance(n, int) or n < 0 for n in shape):
        raise ValueError(f"{key} has the invalid shape {shape}")
    size = dtype.itemsize * int(np.prod(shape, dtype=object))
    if not 0 <= start <= end <= len(data) or end - start != size:
        raise ValueError(f"{key} claims bytes {start} to {end} of {len(data)}, but its shape needs {size}")
    return torch.from_numpy(data[start:end].copy()).view(dtype).reshape(shape)
