"""Whether a nerfacto was trained with tiny-cuda-nn, and whether that package is there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from nst3d.errors import InputError

_WEIGHTS = ("field.mlp_base.model.params", "field.mlp_base.tcnn_encoding.params", "field.mlp_base.params")


def is_tcnn(state: Mapping[str, torch.Tensor]) -> bool:
    """Whether a model's tensors are tiny-cuda-nn's; its config does not say what it was trained with."""
    return any(name in state for name in _WEIGHTS)


def need_tcnn(folder: Path, device: torch.device) -> None:
    """Raises InputError where a run that was trained with tiny-cuda-nn cannot be opened."""
    lacking = lacks(device)
    if lacking:
        raise InputError(
            f"{folder}: this nerfacto was trained with tiny-cuda-nn, {lacking}; or train it with"
            " --pipeline.model.implementation torch"
        )


def lacks(device: torch.device) -> str:
    """What tiny-cuda-nn lacks on a device to work, and what to do; empty if it works."""
    from nerfstudio.utils.external import TCNN_EXISTS

    if not torch.cuda.is_available():
        return "which needs CUDA, and PyTorch finds none here: open it on a machine with an NVIDIA GPU"
    if not TCNN_EXISTS:
        return "and the package tinycudann is not installed or does not load: install it as nerfstudio's manual says"
    return (
        "" if device.type == "cuda" else f"which does not work on the device {device}: give `device='cuda'`"
    )


def tcnn_version() -> str:
    """The installed package with its version, for messages."""
    try:
        return f"tinycudann {version('tinycudann')}"
    except PackageNotFoundError:
        return "tinycudann (its version is not known)"
