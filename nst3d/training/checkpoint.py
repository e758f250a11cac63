"""Keeps a training on disk, to be resumed: tensors and text only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.weights.saved import read_told, write_tensors
from nst3d.weights.tensors import read_tensors


class Training(Protocol):
    """A training in progress, whose state after a step determines all further ones."""

    done: int
    """Steps taken so far."""

    @property
    def steps(self) -> int:
        """Steps of the whole training."""

    def step(self) -> object:
        """Take a step."""

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of the tensors from which `restore` continues, by name."""

    def restore(self, state: Mapping[str, torch.Tensor], done: int) -> None:
        """Continue from a `state` after `done` steps. KeyError, ValueError or RuntimeError for another training's."""


def save_training(path: PathLike, trainer: Training, fingerprint: str) -> None:
    """Write a training's state, whole or not at all; `fingerprint` identifies its inputs and settings.

    Raises OutputError if it cannot be written.
    """
    told = {"fingerprint": fingerprint, "done": str(trainer.done), "steps": str(trainer.steps)}
    write_tensors(path, trainer.state(), told)


def planned_steps(path: Path, fingerprint: str) -> int:
    """The steps of the whole training in a checkpoint. InputError if it is damaged, or of another training."""
    return _told(path, fingerprint)[1]


def restore_training(path: Path, trainer: Training, fingerprint: str) -> None:
    """Continue a training from a checkpoint. InputError if it is damaged, or of another training."""
    done, _ = _told(path, fingerprint)
    try:
        trainer.restore(read_tensors(path), done)
    except (KeyError, ValueError, RuntimeError):
        raise _damaged(path) from None


def _told(path: Path, fingerprint: str) -> tuple[int, int]:
    """Steps done and planned."""
    told = read_told(path)
    if told.get("fingerprint", fingerprint) != fingerprint:
        raise InputError(
            f"{path}: belongs to a training with other styles, pictures or settings; give those again to resume it,"
            " or start over with `overwrite`"
        )
    try:
        done, steps = int(told["done"]), int(told["steps"])
    except (KeyError, ValueError):
        raise _damaged(path) from None
    if not 0 <= done <= steps <= 10_000_000:
        raise _damaged(path)
    return done, steps


def _damaged(path: Path) -> InputError:
    return InputError(f"{path}: not a usable checkpoint of a training; start over with `overwrite`")
