"""A VGG without trained weights, for what does not depend on them."""

from __future__ import annotations

import torch

from nst3d.features import VGG
from nst3d.features.layers import conv_shape, layer_names
from nst3d.features.normalisation import IMAGENET


def random_vgg() -> VGG:
    """A VGG-16 with seeded random weights."""
    generator = torch.Generator().manual_seed(3)
    convs = {}
    for layer in layer_names("vgg16"):
        if layer.startswith("conv"):
            out, inside = conv_shape(layer)
            weight = torch.randn(out, inside, 3, 3, generator=generator) / (9 * inside) ** 0.5
            convs[layer] = weight, torch.zeros(out)
    return VGG("vgg16", convs, IMAGENET)
