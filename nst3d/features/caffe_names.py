"""Reads residual networks of Caffe's kind from ONNX files that TensorFlow's converter wrote (open_nsfw)."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from nst3d.errors import InputError
from nst3d.weights.onnx_files import read_onnx

_WEIGHTS, _BIAS = "_weights_fused_bn", "_bias_fused_bn"
_NAMED = re.compile(r"conv_stage(\d)_block(\d+)_(branch2a|branch2c|proj_shortcut)/BiasAdd")
_NUMBERED = re.compile(r"Conv__(\d+)")
_PARTS = {"branch2a": "conv1", "branch2c": "conv3", "proj_shortcut": "downsample.0"}


def read_caffe_resnet(path: Path) -> dict[str, torch.Tensor]:
    """The tensors by torchvision's names: batch normalisation is part of convolutions; its own tensors only add a bias.

    The file has names for convolutions of 1 × 1; the others are numbered in their order. InputError if it is damaged
    or another network's.
    """
    tensors = read_onnx(path)
    found: dict[str, torch.Tensor] = {}
    convs = [name.removesuffix(_WEIGHTS) for name in tensors if name.endswith(_WEIGHTS)]
    blocks = []
    for conv in convs:
        named = _NAMED.fullmatch(conv)
        if named:
            block = f"layer{int(named[1]) + 1}.{named[2]}"
            _put(found, f"{block}.{_PARTS[named[3]]}", tensors, conv)
            blocks += [block] if named[3] == "branch2a" else []
    numbered = sorted((c for c in convs if _NUMBERED.fullmatch(c)), key=lambda c: int(c[6:]))
    places = ["conv1", *(f"{block}.conv2" for block in sorted(blocks, key=_order))]
    if len(numbered) != len(places):
        raise InputError(
            f"{path}: has no convolutions of a residual network, so these are not the expected weights"
        )
    for place, conv in zip(places, numbered):
        _put(found, place, tensors, conv)
    return found


def _order(block: str) -> tuple[int, int]:
    stage, number = block.removeprefix("layer").split(".")
    return int(stage), int(number)


def _put(found: dict[str, torch.Tensor], place: str, tensors: dict[str, torch.Tensor], conv: str) -> None:
    found[f"{place}.weight"] = tensors[f"{conv}{_WEIGHTS}"]
    bias = tensors[f"{conv}{_BIAS}"]
    norm = place.replace("conv", "bn") if "conv" in place else f"{place[:-1]}1"
    found |= {f"{norm}.weight": torch.ones_like(bias), f"{norm}.bias": bias}
    found |= {f"{norm}.running_mean": torch.zeros_like(bias)}
    found[f"{norm}.running_var"] = torch.full_like(bias, 1 - 1e-5)  # to which its epsilon is added
