"""What pleases: encodes a render and asks the losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F

from nst3d.losses.combinators import WeightedSum
from nst3d.losses.observation import IMAGE, Observation
from nst3d.stylize.kept import Kept
from nst3d.tensors import Mask, Planes

_MASK_BYTES = 1 << 28
"""Masks of views that are kept; others are made again."""


class Encoder(Protocol):
    """What the engine asks of an encoder: named features of an image, and their strides."""

    def __call__(self, image: torch.Tensor, layers: Sequence[str]) -> Mapping[str, torch.Tensor]:
        """Features (c, h', w') of an image (3, h, w) by layer name."""

    def stride(self, layer: str) -> int:
        """Pixels from one position of a layer to the next."""


@dataclass(frozen=True)
class Viewing:
    """How a criterion looks at a render."""

    background: torch.Tensor
    """(3,): what shows where the scene does not, the same whatever the user shows or saves."""
    threshold: float = 0.6
    """A position of a layer counts if more than this share of its cell is covered."""
    reduce: int = 1
    """Renders are averaged over blocks of so many pixels before they are encoded (ARF: 2)."""
    moving: bool = False
    """Whether what a view covers changes from one look to the next."""


class Criterion:
    """Encoder and losses for one stage.

    Statistics count covered pixels alone: each layer has a mask, the coverage averaged over the layer's
    cells and cut at a threshold, and the background is fixed, so that it can't leak into the style.
    """

    def __init__(
        self,
        encoder: Encoder | None,
        loss: WeightedSum,
        viewing: Viewing,
        remember: Callable[[Observation], None] | None = None,
    ) -> None:
        """`encoder` may be None if no loss reads features; `remember` hears of each observation once judged."""
        self.background = viewing.background
        self._encoder, self._loss, self._viewing, self._remember = encoder, loss, viewing, remember
        self._layers = [layer for layer in loss.layers if layer != IMAGE]
        self._masks: Kept[int, dict[str, Mask]] = Kept(_MASK_BYTES)

    def observe(self, image: Planes, coverage: Mask, view: int) -> Observation:
        """The render of a view (3, h, w), encoded, with its masks."""
        if self._viewing.moving or view not in self._masks:
            self._masks[view] = self._layer_masks(coverage.to(image.device))
        seen = image if self._viewing.reduce == 1 else F.avg_pool2d(image[None], self._viewing.reduce)[0]
        features = dict(self._encoder(seen, self._layers)) if self._encoder else {}
        features[IMAGE] = image
        return Observation(features, self._masks[view], view)

    def __call__(self, image: Planes, coverage: Mask, view: int) -> tuple[torch.Tensor, dict[str, float]]:
        """The loss of a view, and its parts by name."""
        observation = self.observe(image, coverage, view)
        total, parts = self._loss.parts(observation)
        if self._remember is not None:
            self._remember(observation)
        return total, {name: float(value) for name, value in parts.items()}

    def _layer_masks(self, coverage: Mask) -> dict[str, Mask]:
        if bool((coverage >= 1).all()):
            return {}
        threshold = self._viewing.threshold
        masks = {IMAGE: (coverage > threshold).to(coverage.dtype)}
        for layer in self._layers:
            assert self._encoder is not None
            cell = self._encoder.stride(layer) * self._viewing.reduce
            pooled = F.avg_pool2d(coverage[None, None], cell)[0, 0]
            mask = (pooled > threshold).to(coverage.dtype)
            # A view that shows only slivers still counts where it shows most.
            masks[layer] = mask if bool(mask.any()) else (pooled >= pooled.max()).to(coverage.dtype)
        # A layer without a mask counts everywhere, and nothing of it is copied.
        return {layer: mask for layer, mask in masks.items() if not bool(mask.all())}
