"""Reads VGG convolutions from weight files: quantised codebooks, torch state dicts and safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch.nn.utils.fusion import fuse_conv_bn_weights

from nst3d.errors import InputError
from nst3d.features.layers import conv_shape, layer_names
from nst3d.weights.tensors import read_tensors

_EPSILON = 1e-5
"""Of torchvision's batch normalisation."""

Convs = dict[str, tuple[torch.Tensor, torch.Tensor]]


def read_convs(path: Path, architecture: str) -> Convs:
    """The convolutions of a VGG `architecture` (see `layer_names`) in a file, float32, by layer name.

    `.safetensors` and torch files contain torchvision's keys (features.N.weight, features.N.bias), with batch
    normalisation or without, which becomes part of the convolutions; a torch file may contain codebooks instead
    (blockB_convI_W_q, _W_table, _b). Nothing in the file is executed.
    Raises InputError if the file cannot be read or lacks these convolutions in the right shapes.
    """
    tensors = read_tensors(path)
    codebooks, norms = "block1_conv1_W_q" in tensors, "features.1.running_mean" in tensors
    names = layer_names(architecture)
    convs: Convs = {}
    for index, layer in enumerate(names):
        if layer.startswith("conv"):
            try:
                if codebooks:
                    pair = _codebook(tensors, layer)
                else:
                    pair = _normed(tensors, index + len(convs)) if norms else _plain(tensors, index)
            except KeyError as missing:
                raise InputError(
                    f"{path}: has no {missing}, so it is not a {architecture} weight file"
                ) from None
            convs[layer] = _checked(pair, layer, path)
    return convs


def _plain(tensors: Mapping[str, torch.Tensor], index: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tensors[f"features.{index}.weight"], tensors[f"features.{index}.bias"]


def _normed(tensors: Mapping[str, torch.Tensor], index: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A convolution with the batch normalisation after it, which has the next index."""
    weight, bias = _plain(tensors, index)
    names = ("running_mean", "running_var", "weight", "bias")
    mean, variance, scale, shift = (tensors[f"features.{index + 1}.{name}"] for name in names)
    fused: tuple[torch.Tensor, torch.Tensor] = fuse_conv_bn_weights(
        weight, bias, mean, variance, _EPSILON, scale, shift
    )
    return fused


def _codebook(tensors: Mapping[str, torch.Tensor], layer: str) -> tuple[torch.Tensor, torch.Tensor]:
    block, convolution = layer[4:].split("_")
    key = f"block{block}_conv{convolution}"
    table, indices = tensors[f"{key}_W_table"], tensors[f"{key}_W_q"]
    if indices.dtype != torch.uint8 or table.shape != (256,):
        raise KeyError(f"{key}_W_table of 256 values")
    return table[indices.long()], tensors[f"{key}_b"]


def _checked(
    pair: tuple[torch.Tensor, torch.Tensor], layer: str, path: Path
) -> tuple[torch.Tensor, torch.Tensor]:
    weight, bias = (t.detach().to(torch.float32) for t in pair)
    out, inside = conv_shape(layer)
    if weight.shape != (out, inside, 3, 3) or bias.shape != (out,):
        found = f"{tuple(weight.shape)} and {tuple(bias.shape)}"
        raise InputError(f"{path}: {layer} has shapes {found}, expected ({out}, {inside}, 3, 3) and ({out},)")
    if not (torch.isfinite(weight).all() and torch.isfinite(bias).all()):
        raise InputError(f"{path}: {layer} contains non-finite values")
    return weight, bias
