"""Detects whether a nerfacto was trained with tiny-cuda-nn, and whether that package is available."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from nst3d.errors import InputError

_WEIGHTS = ("field.mlp_base.model.params", "field.mlp_base.tcnn_encoding.params", "field.mlp_base.params")


def is_tcnn(state: Mapping[str, torch.Tensor]) -> bool:
    """Whether a model's tensors are tiny-cuda-nn's, which its config does not say."""
    return any(name in state for name in _WEIGHTS)


def need_tcnn(folder: Path, device: torch.device) -> None:
    """Raise InputError if a run trained with tiny-cuda-nn cannot be opened."""
    lacking = lacks(device)
    if lacking:
        raise InputError(
            f"{folder}: this nerfacto was trained with tiny-cuda-nn, {lacking}; or train it with"
            " --pipeline.model.implementation torch"
        )


def lacks(device: torch.device) -> str:
    """Why tiny-cuda-nn does not work on a device, and what to do; empty if it works."""
    from nerfstudio.utils.external import TCNN_EXISTS

    if not torch.cuda.is_available():
        return "which needs CUDA, but PyTorch finds none: open it on a machine with an NVIDIA GPU"
    if not TCNN_EXISTS:
        return "and the package tinycudann is not installed or does not load: install it as nerfstudio's manual says"
    return (
        "" if device.type == "cuda" else f"which does not work on the device {device}: give `device='cuda'`"
    )


def tcnn_version() -> str:
    """The installed package and its version, for messages."""
    try:
        return f"tinycudann {version('tinycudann')}"
    except PackageNotFoundError:
        return "tinycudann (unknown version)"
