"""What losses and guides ask of an encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from nst3d.tensors import Features, Planes


class Encoder(Protocol):
    """Named features of an image, and their strides."""

    unit: float
    """How many times larger than those of a standardised image the features are, about."""

    def __call__(self, image: Planes, layers: Sequence[str]) -> Mapping[str, Features]:
        """Features (c, h // stride, w // stride) of an image (3, h, w) by layer name."""

    def stride(self, layer: str) -> int:
        """Pixels from one position of a layer to the next."""

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The encoder's layers in place of VGG-19's, which losses name by default; see `own_layers`."""
