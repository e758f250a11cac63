"""Magenta's networks for arbitrary styles: a picture of the style gives a code, content and code give a picture.

Ghiasi et al. 2017, "Exploring the structure of a real-time, arbitrary neural artistic stylization network", in the
small form with MobileNet V2 (Sandler et al. 2018) as the one that reads the style.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.files import PathLike
from nst3d.networks.conditional import ConditionalNet, Layer
from nst3d.tensors import Planes
from nst3d.weights.find import need_weights
from nst3d.weights.onnx_files import read_onnx
from nst3d.weights.tensors import checked

CODE = 100
"""Numbers in a style's code."""
STYLE_SIZE = 256
"""Long side of the pictures from which the network learnt to read styles, in pixels."""

_BLOCKS = (
    (32, 16, 1), (16, 24, 2), (24, 24, 1), (24, 32, 2), (32, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1),
    (64, 64, 1), (64, 64, 1), (64, 96, 1), (96, 96, 1), (96, 96, 1), (96, 160, 2), (160, 160, 1), (160, 160, 1),
    (160, 320, 1),
)  # fmt: skip
"""Channels in, channels out and stride of MobileNet V2's bottlenecks, which widen to six times the channels in
between; the first does not widen."""
_RESIDUAL = 5
Tensors = Mapping[str, torch.Tensor]


class StyleReader(nn.Module):
    """Gives the code (100,) of a picture (3, h, w) of a style, differentiable."""

    def __init__(self, convs: nn.ModuleList, blocks: nn.ModuleList) -> None:
        """`convs` are MobileNet's first and last and the one that gives the code, `blocks` the bottlenecks."""
        super().__init__()
        self.convs, self.blocks = convs, blocks

    def forward(self, picture: Planes) -> torch.Tensor:
        """The code of a picture with values in [0, 1]."""
        first, last, code = self.convs
        x = F.relu6(_same(first, picture[None].contiguous(memory_format=torch.channels_last)))
        for block in self.blocks:
            y = _bottleneck(block, x)
            x = x + y if y.shape == x.shape else y
        x = F.relu6(last(x)).mean((2, 3), keepdim=True)
        out: torch.Tensor = code(x)[0, :, 0, 0]
        return out


class Magenta(nn.Module):
    """Both networks, frozen."""

    def __init__(self, reader: StyleReader, painter: ConditionalNet) -> None:
        super().__init__()
        self.reader, self.painter = reader, painter


def load_magenta(*, device: torch.device | str = "cpu", path: PathLike | None = None) -> Magenta:
    """Magenta's networks, ready to run.

    `path` is a folder that contains their files; without it they are searched like all weights. Raises
    MissingDependencyError if they are not found, InputError for a damaged or another file.
    """
    predict, transform = need_weights("magenta", path)
    return Magenta(_reader(predict), _painter(transform)).to(device)


def _reader(path: Path) -> StyleReader:
    tensors = read_onnx(path)
    blocks = []
    for number, (inside, out, stride) in enumerate(_BLOCKS):
        name = f"MobilenetV2/expanded_conv{f'_{number}' if number else ''}"
        wide = 6 * inside if number else inside
        convs = [_conv(path, tensors, f"{name}/expand", (wide, inside, 1, 1))] if number else []
        convs.append(_conv(path, tensors, f"{name}/depthwise/depthwise", (wide, 1, 3, 3), stride))
        convs.append(_conv(path, tensors, f"{name}/project", (out, wide, 1, 1)))
        blocks.append(nn.ModuleList(convs))
    ends = [
        _conv(path, tensors, "MobilenetV2/Conv", (32, 3, 3, 3), 2),
        _conv(path, tensors, "MobilenetV2/Conv_1", (1280, 320, 1, 1)),
        _conv(path, tensors, "mobilenet_conv/Conv", (CODE, 1280, 1, 1)),
    ]
    return StyleReader(nn.ModuleList(ends), nn.ModuleList(blocks))


def _painter(path: Path) -> ConditionalNet:
    tensors = read_onnx(path)

    def layer(name: str, out: int, inside: int, side: int = 3) -> Layer:
        weight = checked(path, tensors, f"transformer/{name}/weights", (out, inside, side, side))
        linear = [
            _linear(path, tensors, f"style_params/transformer/{name}/StyleNorm/{which}", out)
            for which in ("Conv_1", "Conv")
        ]
        return Layer(weight, style=(linear[0], linear[1]))

    def contracting(number: int, out: int, inside: int, side: int, stride: int) -> Layer:
        name = f"transformer/contract/conv{number}"
        weight = checked(path, tensors, f"{name}/weights", (out, inside, side, side))
        return Layer(weight, stride=stride, bias=checked(path, tensors, f"{name}/Conv2D_bias", (out,)))

    contract = [contracting(1, 8, 3, 9, 1), contracting(2, 16, 8, 3, 2), contracting(3, 32, 16, 3, 2)]
    residual = [
        layer(f"residual/residual{n}/conv{k}", 32, 32) for n in range(1, _RESIDUAL + 1) for k in (1, 2)
    ]
    expand = [
        layer(f"expand/conv{n}/conv", out, inside, side)
        for n, out, inside, side in ((1, 16, 32, 3), (2, 8, 16, 3), (3, 3, 8, 9))
    ]
    return ConditionalNet(contract, residual, expand)


def _conv(
    path: Path, tensors: Tensors, name: str, shape: tuple[int, int, int, int], stride: int = 1
) -> nn.Conv2d:
    """A convolution, in as many groups as it has channels if each reads one."""
    out, inside, side, _ = shape
    groups = out if name.endswith("depthwise") else 1
    conv = nn.Conv2d(inside * groups, out, side, stride, groups=groups)
    joint = "_" if groups > 1 else "/"
    bias = "bias" if groups > 1 else "Conv2D_bias"
    conv.weight = nn.Parameter(checked(path, tensors, f"{name}{joint}weights", shape), requires_grad=False)
    conv.bias = nn.Parameter(checked(path, tensors, f"{name}{joint}{bias}", (out,)), requires_grad=False)
    return conv


def _linear(path: Path, tensors: Tensors, name: str, out: int) -> nn.Linear:
    linear = nn.Linear(CODE, out)
    weight = checked(path, tensors, f"{name}/weights", (out, CODE, 1, 1))
    linear.weight = nn.Parameter(weight.flatten(1), requires_grad=False)
    linear.bias = nn.Parameter(checked(path, tensors, f"{name}/Conv2D_bias", (out,)), requires_grad=False)
    return linear


def _same(conv: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A 3 × 3 convolution with zeros at the borders; TensorFlow puts the odd one below and to the right."""
    assert isinstance(conv, nn.Conv2d)
    missing = [max(2 - (n - 1) % conv.stride[0], 0) for n in x.shape[2:]]
    padding = (missing[1] // 2, missing[1] - missing[1] // 2, missing[0] // 2, missing[0] - missing[0] // 2)
    out: torch.Tensor = conv(F.pad(x, padding))
    return out


def _bottleneck(convs: nn.Module, x: torch.Tensor) -> torch.Tensor:
    assert isinstance(convs, nn.ModuleList)
    *expand, depthwise, project = convs
    for conv in expand:
        x = F.relu6(conv(x))
    out: torch.Tensor = project(F.relu6(_same(depthwise, x)))
    return out
