"""nerfstudio checkpoints: tensors are read, Python objects are never built."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from nst3d.errors import InputError, OutputError
from nst3d.files import replacing
from nst3d.limits import claim_archive

_NAME = re.compile(r"step-(\d+)\.ckpt")
_PREFIX = re.compile(r"(?:module\.)?_model\.(module\.)?")


@dataclass(frozen=True)
class Checkpoint:
    """The parts of a checkpoint that painting needs."""

    path: Path
    step: int
    state: Mapping[str, torch.Tensor]
    """The model's tensors by their names in the model."""
    others: Mapping[str, torch.Tensor]
    """The pipeline's other tensors, by full names."""


def latest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step in a folder, nerfstudio's own choice, or None."""
    try:
        found = [(int(m[1]), p) for p in folder.iterdir() if (m := _NAME.fullmatch(p.name))]
    except OSError:
        return None
    return max(found)[1] if found else None


def load_checkpoint(path: Path) -> Checkpoint:
    """The tensors of a checkpoint, on the CPU.

    Prefixes of the pipeline and of distributed training are stripped from the model's names. Raises
    InputError for a file that is missing, truncated, not a nerfstudio checkpoint, or contains other objects.
    """
    claim_archive(path)
    content = _load(path)
    pipeline = content.get("pipeline") if isinstance(content, dict) else None
    if not isinstance(pipeline, dict) or not all(isinstance(k, str) for k in pipeline):
        raise InputError(f"{path}: not a nerfstudio checkpoint: it has no pipeline state")
    tensors = {k: v.detach() for k, v in pipeline.items() if isinstance(v, torch.Tensor)}
    for name, tensor in tensors.items():
        if tensor.layout is not torch.strided or tensor.numel() > max(tensor.untyped_storage().nbytes(), 1):
            raise InputError(f"{path}: broken: {name} is not a plain tensor")
    # Only distributed training prefixes every name with "module."; a model may have a part of that name.
    distributed = all(m[1] for k in tensors if (m := _PREFIX.match(k)))
    state, others = {}, {}
    for name, tensor in tensors.items():
        if (match := _PREFIX.match(name)) is None:
            others[name] = tensor
        else:
            state[name[match.end() if distributed or not match[1] else match.start(1) :]] = tensor
    if not state:
        raise InputError(f"{path}: not a nerfstudio checkpoint: it has no model state")
    step = content.get("step")
    return Checkpoint(path, step if isinstance(step, int) and step >= 0 else _step(path), state, others)


def save_checkpoint(path: Path, step: int, state: Mapping[str, torch.Tensor]) -> None:
    """Write tensors, by their names in the pipeline, as nerfstudio's evaluation and viewer read them.

    Contains only plain numbers and tensors, so that any version of PyTorch opens it. Raises OutputError if it
    cannot be written.
    """
    pipeline = {name: _alone(tensor) for name, tensor in state.items()}
    content = {"step": step, "pipeline": pipeline, "optimizers": {}, "schedulers": {}, "scalers": {}}
    # nerfstudio treats every file in the folder as a checkpoint: the temporary one is a folder up.
    staged = path.parent.parent / path.name
    with replacing(staged) as temporary, temporary.open("wb") as file:
        torch.save(content, file)
    try:
        os.replace(staged, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None


def not_finite(state: Mapping[str, torch.Tensor]) -> str | None:
    """A message if tensors contain infinities or NaN, as diverged training leaves them; otherwise None."""
    # Models use float32, where larger float64 numbers become infinite.
    bad = sorted(k for k, t in state.items() if t.is_floating_point() and not t.float().isfinite().all())
    if not bad:
        return None
    return f"{some(bad)}: not all values are finite numbers; the training diverged or the file is damaged"


def some(names: Sequence[str]) -> str:
    """The first of some names, and the number of others."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _alone(tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU, detached from any larger tensor that it is a view of."""
    tensor = tensor.detach().cpu().contiguous()
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    return tensor if whole else tensor.clone()


def _load(path: Path) -> Any:
    try:
        with _allowed(), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # about pickles that nerfstudio does not write: they are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if found := re.search(r"(?:GLOBAL|global|class|callable) ([\w.]*\w) ", str(error)):
            raise InputError(
                f"{path}: contains {found[1]}, which is not a tensor and was not run; expected a nerfstudio checkpoint"
            ) from None
        what = "truncated or not a nerfstudio checkpoint"
        if "Unsupported" in str(error):
            what = "not read: it contains more than tensors, or is not a nerfstudio checkpoint"
        raise InputError(f"{path}: {what}") from None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # torch raises many kinds for a damaged file
        first = textwrap.shorten(str(error).split("\n")[0].split(". ")[0], 100, placeholder=" …")
        reason = f" ({first})" if " " in first else ""  # a lone word is a key that Python missed
        raise InputError(f"{path}: truncated or not a nerfstudio checkpoint{reason}") from None


def _step(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else 0


class _Kind:
    """Stand-in for numpy.dtype that keeps the type code."""

    def __init__(self, code: str = "f8", *_: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Ignores byte order and the like."""


def _number(kind: _Kind, raw: bytes = b"") -> float | None:
    """Stand-in for NumPy's scalar constructor: schedulers store their learning rate as one."""
    return float(struct.unpack("<d", raw)[0]) if kind.code == "f8" and len(raw) == 8 else None


@contextlib.contextmanager
def _allowed() -> Iterator[None]:
    """Lets the NumPy scalars in nerfstudio's own checkpoints be read as harmless stand-ins."""
    ours = _stand_ins()
    torch.serialization.add_safe_globals(ours)
    try:
        yield
    finally:  # PyTorch below 2.5 has no context for it
        known = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals([g for g in known if all(g is not o for o in ours)])


def _stand_ins() -> list[Any]:
    """The allowed types; PyTorch looks them up by module and name."""

    def named(thing: Any, module: str, name: str) -> Any:
        thing.__module__, thing.__name__, thing.__qualname__ = module, name, name
        return thing

    def old(kind: _Kind, raw: bytes = b"") -> float | None:
        return _number(kind, raw)

    def new(kind: _Kind, raw: bytes = b"") -> float | None:
        return _number(kind, raw)

    dtype = named(type("dtype", (_Kind,), {}), "numpy", "dtype")
    return [
        dtype,
        named(old, "numpy.core.multiarray", "scalar"),
        named(new, "numpy._core.multiarray", "scalar"),
    ]
