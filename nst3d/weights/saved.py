"""Writes tensors as safetensors, and reads the text that such a file carries about them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from nst3d.errors import InputError
from nst3d.files import PathLike, write_bytes
from nst3d.limits import regular

_MAX_HEADER = 1_000_000
_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
}


def write_tensors(path: PathLike, tensors: Mapping[str, torch.Tensor], told: Mapping[str, str]) -> None:
    """Write floating-point tensors by name, with text `told` about them, as a safetensors file, whole or not at all.

    Raises OutputError if it cannot be written.
    """
    header: dict[str, object] = {"__metadata__": dict(told)}
    parts, start = [], 0
    for name, tensor in tensors.items():
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        offsets = [start, start + len(data)]
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        parts.append(data)
        start += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format aligns the tensors
    write_bytes(path, b"".join([len(text).to_bytes(8, "little"), text, *parts]))


def count_numbers(path: PathLike) -> int:
    """How many numbers all tensors of a safetensors file have, by its header. InputError like `read_told`."""
    found = _header(Path(path))
    try:
        return sum(
            math.prod(map(int, spec["shape"])) for name, spec in found.items() if name != "__metadata__"
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path}: cannot be read as a safetensors file (its header is damaged)") from None


def read_told(path: PathLike) -> dict[str, str]:
    """The text that a safetensors file carries about its tensors, by name; empty if there is none.

    Raises InputError if it cannot be read as such a file.
    """
    told = _header(Path(path)).get("__metadata__", {})
    if not isinstance(told, dict):
        raise InputError(f"{path}: cannot be read as a safetensors file (its header is damaged)")
    return {str(name): str(value) for name, value in told.items()}


def _header(path: Path) -> dict[str, Any]:
    try:
        with regular(path).open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(_MAX_HEADER, path.stat().st_size):
                raise ValueError("its header claims more bytes than expected")
            found = json.loads(file.read(length))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as a safetensors file ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: cannot be read as a safetensors file (its header is damaged)")
    return found
