"""Keeps a run on disk so that it can be continued. Tensors and plain values only: nothing is executed."""

from __future__ import annotations

import dataclasses
import io
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nst3d.errors import InputError
from nst3d.files import write_bytes
from nst3d.stylize.engine import RunState

_VERSION = 2


class CheckpointContent(NamedTuple):
    """What a checkpoint holds."""

    state: RunState
    """Of the painting."""
    shape: RunState | None
    """Of the displacement of the mesh before; None: it is not displaced."""


def save_checkpoint(path: Path, state: RunState, fingerprint: str, shape: RunState | None = None) -> None:
    """Write a run's state, whole or not at all. `fingerprint` says what the run paints and how.

    `shape` is the state of the run that displaced the mesh before.
    """
    content = {"version": _VERSION, "fingerprint": fingerprint, "state": _fields(state)}
    if shape is not None:
        content["shape"] = _fields(shape)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path, fingerprint: str) -> CheckpointContent:
    """What a checkpoint holds. InputError if it is broken, of another version, or of another run (`fingerprint`)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on foreign files is no good to users
            stored = torch.load(io.BytesIO(data), weights_only=True)
        version = stored["version"]
        current = version == _VERSION
        state = RunState(**stored["state"]) if current else RunState()
        shape = RunState(**stored["shape"]) if current and "shape" in stored else None
    except Exception:  # torch raises many kinds for a damaged file
        raise InputError(
            f"{path}: not a checkpoint that can be used (damaged, or another program's); start anew with `overwrite`"
        ) from None
    if not current:
        raise InputError(
            f"{path}: was written by another version of nst3d (checkpoint format {version}, expected {_VERSION}) and"
            " lacks what this one needs to continue; start anew with `overwrite`"
        )
    if stored.get("fingerprint") != fingerprint:
        raise InputError(
            f"{path}: belongs to a run with another scene, style or settings; give those again"
            " to resume it, or start anew with `overwrite`"
        )
    return CheckpointContent(state, shape)


def _fields(state: RunState) -> dict[str, Any]:
    return {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
