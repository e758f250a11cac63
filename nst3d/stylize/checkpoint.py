"""Keeps a run on disk so that it can go on later. Tensors and plain values only: nothing is executed."""

from __future__ import annotations

import dataclasses
import io
import warnings
from pathlib import Path
from typing import Any

import torch

from nst3d.errors import InputError
from nst3d.files import write_bytes
from nst3d.stylize.engine import RunState
from nst3d.stylize.shape.steps import ShapeState

_VERSION = 1


def save_checkpoint(path: Path, state: RunState, fingerprint: str, shape: ShapeState | None = None) -> None:
    """Write a run's state, whole or not at all. `fingerprint` says what the run paints and how.

    `shape` is how far its mesh was displaced before the painting began.
    """
    content = {"version": _VERSION, "fingerprint": fingerprint, "state": _fields(state)}
    if shape is not None:
        content["shape"] = _fields(shape)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path, fingerprint: str) -> RunState:
    """The state in a checkpoint. InputError if it is broken, or of a run with another fingerprint."""
    return _load(path, fingerprint)[0]


def load_shape(path: Path, fingerprint: str) -> ShapeState | None:
    """How far a checkpoint's mesh is displaced; None: it is not. InputError as `load_checkpoint`."""
    return _load(path, fingerprint)[1]


def _fields(state: RunState | ShapeState) -> dict[str, Any]:
    return {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}


def _load(path: Path, fingerprint: str) -> tuple[RunState, ShapeState | None]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on foreign files is no good to users
            stored = torch.load(io.BytesIO(data), weights_only=True)
        state = RunState(**stored["state"])
        shape = ShapeState(**stored["shape"]) if "shape" in stored else None
    except Exception:  # torch raises many kinds for a damaged file
        raise InputError(
            f"{path}: not a checkpoint that can be used (damaged, or another program's); start anew with `overwrite`"
        ) from None
    if stored.get("version") != _VERSION or stored.get("fingerprint") != fingerprint:
        raise InputError(
            f"{path}: belongs to a run with another scene, style or settings; give those again"
            " to resume it, or start anew with `overwrite`"
        )
    return state, shape
