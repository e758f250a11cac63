"""AlexNet ("One weird trick", Krizhevsky 2014) as torchvision has it: conv1, relu1, pool1, …, conv5, relu5, pool5."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

_INDICES = {"conv1": 0, "conv2": 3, "conv3": 6, "conv4": 8, "conv5": 10}
"""The convolutions' places in torchvision's `features`."""

BLOCKS = {1: "relu1", 2: "relu1", 3: "relu1", 4: "relu2", 5: "relu5"}
"""The layer in place of each of VGG's blocks: that of the same stride, in place of finer ones the finest."""


def alexnet() -> nn.Sequential:
    """The convolutional part, from normalised images (b, 3, h, w)."""
    body = nn.Sequential()
    convs = [nn.Conv2d(3, 64, 11, 4, 2), nn.Conv2d(64, 192, 5, padding=2), nn.Conv2d(192, 384, 3, padding=1)]
    convs += [nn.Conv2d(384, 256, 3, padding=1), nn.Conv2d(256, 256, 3, padding=1)]
    for block, conv in enumerate(convs, start=1):
        body.add_module(f"conv{block}", conv)
        body.add_module(f"relu{block}", nn.ReLU())
        if block in (1, 2, 5):
            body.add_module(f"pool{block}", nn.MaxPool2d(3, 2))
    return body


def renamed(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """torchvision's tensors by the names that they have here."""
    parts = ("weight", "bias")
    keys = {
        f"features.{index}.{part}": f"{conv}.{part}" for conv, index in _INDICES.items() for part in parts
    }
    return {keys[name]: tensor for name, tensor in tensors.items() if name in keys}
