"""A network that holds 26 styles, which can be mixed (Dumoulin et al. 2017)."""

from __future__ import annotations

import torch
from torch import nn

from nst3d.files import PathLike
from nst3d.networks.conditional import ConditionalNet, Layer
from nst3d.weights.find import need_weights
from nst3d.weights.onnx_files import read_onnx
from nst3d.weights.tensors import checked

STYLES = 26
"""Styles in the network; the vector of a style has a weight for each."""

_CONTRACT = ((32, 3, 9, 1), (32, 32, 3, 2), (32, 32, 3, 2))
_EXPAND = ((8, 32, 3, 1), (4, 8, 3, 1), (3, 4, 9, 1))
_RESIDUAL = 6


def load_multistyle(*, device: torch.device | str = "cpu", path: PathLike | None = None) -> ConditionalNet:
    """The network, frozen; its styles' vectors (26,) are weights that sum to 1.

    `path` is its file, or the folder that contains it; without it the file is searched like all weights. Raises
    MissingDependencyError if it is not found, InputError for a damaged or another file.
    """
    (file,) = need_weights("multistyle26", path)
    tensors = read_onnx(file)

    def linear(name: str, out: int) -> nn.Linear:
        module = nn.Linear(STYLES, out, bias=False)
        module.weight = nn.Parameter(
            checked(file, tensors, name, (STYLES, out)).T.clone(), requires_grad=False
        )
        return module

    def layer(name: str, out: int, inside: int, side: int = 3, stride: int = 1) -> Layer:
        style = linear(f"{name}.norm.gamma", out), linear(f"{name}.norm.beta", out)
        weight = checked(file, tensors, f"{name}.w", (out, inside, side, side))
        return Layer(weight, stride=stride, style=style)

    contract = [layer(f"contract.{n}", *shape) for n, shape in enumerate(_CONTRACT)]
    residual = [layer(f"res.{n}.{k}", 32, 32) for n in range(_RESIDUAL) for k in (0, 1)]
    expand = [layer(f"expand.{n}", *shape) for n, shape in enumerate(_EXPAND)]
    return ConditionalNet(contract, residual, expand).to(device)
