"""Saves a run to disk so that it can be resumed. Tensors and plain values only: nothing is executed."""

from __future__ import annotations

import dataclasses
import io
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nst3d.errors import InputError
from nst3d.files import write_bytes
from nst3d.limits import claim_archive
from nst3d.stylize.engine import RunState

_VERSION = 2


class CheckpointContent(NamedTuple):
    """The content of a checkpoint."""

    state: RunState
    """State of the painting."""
    shape: RunState | None
    """State of the preceding displacement of the mesh; None: not displaced."""


def save_checkpoint(path: Path, state: RunState, fingerprint: str, shape: RunState | None = None) -> None:
    """Write a run's state, whole or not at all. `fingerprint` identifies the run's inputs and settings.

    `shape` is the state of the preceding run that displaced the mesh.
    """
    content = {"version": _VERSION, "fingerprint": fingerprint, "state": _fields(state)}
    if shape is not None:
        content["shape"] = _fields(shape)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path, fingerprint: str) -> CheckpointContent:
    """Load a checkpoint. InputError if it is broken, of another version or another run (`fingerprint`)."""
    claim_archive(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on foreign files does not help users
            stored = torch.load(io.BytesIO(data), weights_only=True)
        version = stored["version"]
        current = version == _VERSION
        state = _sound(stored["state"]) if current else RunState()
        shape = _sound(stored["shape"]) if current and "shape" in stored else None
    except Exception:  # torch raises many kinds for a damaged file
        raise InputError(
            f"{path}: not a usable checkpoint (damaged, or another program's); start over with `overwrite`"
        ) from None
    if not current:
        raise InputError(
            f"{path}: was written by another version of nst3d (checkpoint format {version}, expected {_VERSION}) and"
            " lacks what this one needs to continue; start over with `overwrite`"
        )
    if stored.get("fingerprint") != fingerprint:
        raise InputError(
            f"{path}: belongs to a run with another scene, style or settings; give those again"
            " to resume it, or start over with `overwrite`"
        )
    return CheckpointContent(state, shape)


def _sound(fields: dict[str, Any]) -> RunState:
    """A run's state. ValueError or TypeError if its fields are not of their kinds, or hold NaN or infinite numbers."""
    state = RunState(**fields)
    counts = (state.stage, state.iteration, state.done, *state.queue)
    losses = (*state.history, *state.losses.values(), state.loss or 0.0, state.first_loss or 0.0)
    if not all(type(n) is int and n >= 0 for n in counts) or not all(map(math.isfinite, losses)):
        raise ValueError("its counts or losses are not numbers")
    if not all(isinstance(t, torch.Tensor) for t in state.canvas) or not isinstance(state.work, dict):
        raise TypeError("its paint is not a list of tensors")
    if not isinstance(state.taught, dict):
        raise TypeError("what a teacher painted is no mapping")
    if not all(bool(t.isfinite().all()) for t in _tensors([state.canvas, state.work])):
        raise ValueError("it holds values that are not finite")
    return state


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """All tensors within lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


def _fields(state: RunState) -> dict[str, Any]:
    return {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
