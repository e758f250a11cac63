"""Writes tensors as safetensors, and reads the text that such a file carries about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

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


def read_told(path: PathLike) -> dict[str, str]:
    """The text that a safetensors file carries about its tensors, by name; empty if there is none.

    Raises InputError if it cannot be read as such a file.
    """
    path = Path(path)
    try:
        with regular(path).open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(_MAX_HEADER, path.stat().st_size):
                raise ValueError("its header claims more bytes than expected")
            told = json.loads(file.read(length)).get("__metadata__", {})
        return {str(name): str(value) for name, value in told.items()}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as a safetensors file ({error})") from None
