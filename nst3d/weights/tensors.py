"""Reads the tensors of weight files, torch's and safetensors, without executing anything in them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

from nst3d.errors import InputError, cut
from nst3d.limits import claim_archive, regular
from nst3d.tensors import Array
from nst3d.weights.torchscript import is_torchscript, read_torchscript

_SAFETENSORS_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
_MAX_HEADER = 100_000_000


def read_tensors(path: Path, inside: str | None = None) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, of a dictionary in a torch file, or of a TorchScript archive, by name.

    `inside` is the key under which a torch file may keep that dictionary. Raises InputError if the file cannot be
    read or contains something else.
    """
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path, inside)


def checked(
    path: Path, tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]
) -> torch.Tensor:
    """A file's tensor, float32. InputError if it is missing, of another shape, or not finite."""
    if name not in tensors:
        raise InputError(f"{path}: has no {name}: these are not the expected weights")
    tensor = tensors[name].detach().to(torch.float32)
    if tensor.shape != shape:
        raise InputError(f"{path}: {name} has the shape {tuple(tensor.shape)}, expected {shape}")
    if not bool(torch.isfinite(tensor).all()):
        raise InputError(f"{path}: {name} contains non-finite values")
    return tensor


def _read_torch(path: Path, inside: str | None) -> dict[str, torch.Tensor]:
    claim_archive(path)
    if path.is_file() and not path.stat().st_size:
        raise InputError(f"{path}: is empty, expected a torch weight file: fetch it again")
    if is_torchscript(path):
        return read_torchscript(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on files of other versions, which are then read or refused
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError:
        raise InputError(
            f"{path}: cannot be read as a torch weight file: it is damaged, or holds more than tensors, such as code,"
            " which is not run"
        ) from None
    except Exception as error:  # torch raises many kinds for a damaged file
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as a torch weight file ({cut(first)})") from None
    if inside is not None and isinstance(content, Mapping) and isinstance(content.get(inside), Mapping):
        content = content[inside]
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
    if not size:  # torch views no empty bytes as wider numbers
        return torch.empty(shape, dtype=dtype)
    return torch.from_numpy(data[start:end].copy()).view(dtype).reshape(shape)
