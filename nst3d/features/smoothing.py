"""Smoothing of activations: what residual networks need before statistics (Wang, Li & Vasconcelos 2021).

Residual connections leave features with few, high peaks, whose statistics say little about a style. "Rethinking and
improving the robustness of image style transfer" raises their entropy by a softmax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch

from nst3d.features.encoder import Encoder
from nst3d.tensors import Features, Planes

Smooth = Literal["none", "softmax", "tanh"]


def smoothed(features: torch.Tensor, smooth: Smooth) -> torch.Tensor:
    """Features (c, h, w), smoothed; same shape and dtype.

    "softmax": over the channels of each position, times c, so that their mean is 1. The paper takes all positions
    together; one at a time is the same whatever else is in view, and whatever its size. "tanh": within (-1, 1).
    """
    if smooth == "softmax":
        return torch.softmax(features, dim=-3) * features.shape[-3]
    return torch.tanh(features) if smooth == "tanh" else features


class SmoothedEncoder:
    """An encoder whose features are smoothed."""

    unit = 1.0

    def __init__(self, encoder: Encoder, smooth: Smooth) -> None:
        self.encoder, self.smooth = encoder, smooth

    def __call__(self, image: Planes, layers: Sequence[str]) -> Mapping[str, Features]:
        """Smoothed features by layer name."""
        return {name: smoothed(f, self.smooth) for name, f in self.encoder(image, layers).items()}

    def stride(self, layer: str) -> int:
        """The encoder's own stride."""
        return self.encoder.stride(layer)

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The encoder's own layers."""
        return self.encoder.own(layers)
