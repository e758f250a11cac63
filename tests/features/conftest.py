"""Encoders that several tests share: loading them takes half a second."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from nst3d.features import VGG, load_encoder
from nst3d.features.layers import conv_shape, layer_names


@pytest.fixture(scope="session")
def oxford() -> VGG:
    """VGG-19 with its original weights, float32."""
    return load_encoder("vgg19", dtype=torch.float32)


@pytest.fixture(scope="session")
def random_convs():
    """Makes convolutions of the right shapes for an architecture, seeded."""

    @cache
    def make(architecture: str) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        generator = torch.Generator().manual_seed(3)
        convs = {}
        for layer in layer_names(architecture):
            if layer.startswith("conv"):
                out, inside = conv_shape(layer)
                weight = torch.randn(out, inside, 3, 3, generator=generator) / (9 * inside) ** 0.5
                convs[layer] = weight, torch.randn(out, generator=generator) / 10
        return convs

    return make
