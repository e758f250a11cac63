"""Fills networks with the weights of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from nst3d.weights.tensors import checked

_COUNTER = "num_batches_tracked"


def filled(body: nn.Module, path: Path, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """The body, whose own tensors may be on the device "meta", with those of a file by name, float32.

    What else is in the file is left out. InputError, with the name, for one that is missing, of another shape or not
    finite.
    """
    own: dict[str, torch.Tensor] = {}
    for name, tensor in body.state_dict().items():
        if name.endswith(_COUNTER):
            own[name] = torch.zeros((), dtype=torch.long)
        else:
            own[name] = checked(path, tensors, name, tuple(tensor.shape))
    body.load_state_dict(own, assign=True)
    return body


def fused(body: nn.Module, norms: Iterable[tuple[str, str]]) -> nn.Module:
    """The body with batch normalisations made part of the convolutions before them, which saves their passes."""
    body.eval()
    for conv, norm in list(norms):
        first, second = body.get_submodule(conv), body.get_submodule(norm)
        assert isinstance(first, nn.Conv2d)
        assert isinstance(second, nn.BatchNorm2d)
        for name, module in ((conv, fuse_conv_bn_eval(first, second)), (norm, nn.Identity())):
            parent, _, own = name.rpartition(".")
            setattr(body.get_submodule(parent), own, module)
    return body
