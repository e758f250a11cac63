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
    """Features (..., c, h, w), smoothed; same shape and dtype.

    "softmax": over all channels and positions, as in the paper, here times c·h·w and less 1: the mean is 0 whatever the
    size, and distances relative to a style's magnitude are not those to a constant. "tanh": within [-1, 1].
    """
    if smooth == "softmax":
        exact = features if features.dtype == torch.float64 else features.float()
        powers = (exact - exact.detach().amax((-3, -2, -1), keepdim=True)).exp()
        return (powers / powers.mean((-3, -2, -1), keepdim=True) - 1).to(features.dtype)
    return torch.tanh(features) if smooth == "tanh" else features


class SmoothedEncoder:
    """An encoder whose features are smoothed."""

    unit = 1.0
    """Smoothed features are about as large as those of a standardised image."""

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
