"""Residual networks (He et al. 2016), wide ones and ResNeXt, with torchvision's names of modules and tensors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

STEM = 64
"""Channels of the first convolution."""


@dataclass(frozen=True)
class ResNetPlan:
    """What tells residual networks apart."""

    blocks: tuple[int, int, int, int]
    """Blocks of each stage."""
    bottleneck: bool = True
    """Whether blocks are 1 × 1, 3 × 3, 1 × 1 convolutions, or two of 3 × 3."""
    channels: int = 64
    """Channels of the first stage, before those of bottlenecks are made four times as many."""
    groups: int = 1
    """Groups of the 3 × 3 convolutions of bottlenecks (ResNeXt)."""
    group_width: int = 64
    """Channels of a group in the first stage, where there are 64 before."""
    caffe: bool = False
    """As first trained with Caffe: a bottleneck's first convolution has the stride, and pooling has no border."""


PLANS: dict[str, ResNetPlan] = {
    "resnet18": ResNetPlan((2, 2, 2, 2), bottleneck=False),
    "resnet34": ResNetPlan((3, 4, 6, 3), bottleneck=False),
    "resnet50": ResNetPlan((3, 4, 6, 3)),
    "resnet101": ResNetPlan((3, 4, 23, 3)),
    "resnet152": ResNetPlan((3, 8, 36, 3)),
    "resnext50_32x4d": ResNetPlan((3, 4, 6, 3), groups=32, group_width=4),
    "resnext101_32x8d": ResNetPlan((3, 4, 23, 3), groups=32, group_width=8),
    "resnext101_64x4d": ResNetPlan((3, 4, 23, 3), groups=64, group_width=4),
    "wide_resnet50_2": ResNetPlan((3, 4, 6, 3), group_width=128),
    "wide_resnet101_2": ResNetPlan((3, 4, 23, 3), group_width=128),
    "resnet50-half": ResNetPlan((3, 4, 6, 3), channels=32, caffe=True),
}
"""By torchvision's names; "resnet50-half" has half as many channels (Yahoo's open_nsfw, 2016)."""

_LAYER = re.compile(r"relu|maxpool|layer[1-4](\.\d+)?")


def is_layer(module: str) -> bool:
    """Whether a module's output is a layer: the stem's, a block's, or a stage's, which is that of its last block."""
    return _LAYER.fullmatch(module) is not None


BLOCKS = {1: "relu", 2: "relu", 3: "layer1", 4: "layer2", 5: "layer3"}
"""The layer in place of each of VGG's blocks: that of the same stride, in place of the first the finest."""


class Block(nn.Module):
    """Convolutions beside a shortcut; ends in a relu."""

    def __init__(self, plan: ResNetPlan, inside: int, channels: int, stride: int) -> None:
        """`inside` channels in; `channels` out, four times as many for a bottleneck."""
        super().__init__()
        if plan.bottleneck:
            out = 4 * channels
            middle = channels * plan.group_width // 64 * plan.groups
            first, second = (stride, 1) if plan.caffe else (1, stride)
            self.conv1, self.bn1 = _conv(inside, middle, 1, first), nn.BatchNorm2d(middle)
            self.conv2, self.bn2 = _conv(middle, middle, 3, second, plan.groups), nn.BatchNorm2d(middle)
            self.conv3, self.bn3 = _conv(middle, out, 1), nn.BatchNorm2d(out)
        else:
            out = channels
            self.conv1, self.bn1 = _conv(inside, out, 3, stride), nn.BatchNorm2d(out)
            self.conv2, self.bn2 = _conv(out, out, 3), nn.BatchNorm2d(out)
        self.bottleneck, self.out = plan.bottleneck, out
        self.downsample = None
        if stride != 1 or inside != out:
            self.downsample = nn.Sequential(_conv(inside, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, inside, h, w) to (b, out, h', w')."""
        y = self.bn2(self.conv2(F.relu_(self.bn1(self.conv1(x)))))
        if self.bottleneck:
            y = self.bn3(self.conv3(F.relu_(y)))
        return F.relu_(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """The convolutional part of a residual network."""

    def __init__(self, plan: ResNetPlan) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, STEM, 7, 2, 3, bias=False), nn.BatchNorm2d(STEM)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 0 if plan.caffe else 1, ceil_mode=plan.caffe)
        inside = STEM
        for stage, count in enumerate(plan.blocks):
            blocks = nn.Sequential()
            for index in range(count):
                stride = 2 if stage and not index else 1
                block = Block(plan, inside, plan.channels * 2**stage, stride)
                blocks.append(block)
                inside = block.out
            self.add_module(f"layer{stage + 1}", blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalised images (b, 3, h, w) to the last layer's features."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(4):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        return x


def norms(body: nn.Module) -> Iterator[tuple[str, str]]:
    """The names of each convolution of a residual network, and of the batch normalisation that follows it."""
    for name, module in body.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            yield name.replace("bn", "conv") if "bn" in name else f"{name[:-1]}0", name


def _conv(inside: int, out: int, side: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inside, out, side, stride, side // 2, groups=groups, bias=False)
