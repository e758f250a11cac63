"""VGG networks as feature encoders: frozen convolutions that normalise their own input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.errors import ConfigError
from nst3d.features.frozen_conv import FrozenConv
from nst3d.features.layers import check_layers, last_of_blocks, layer_names, own_layers, stride_of
from nst3d.features.normalisation import Normalisation

Pooling = Literal["max", "avg"]


class VGG(nn.Module):
    """The convolutional part of a VGG network, frozen; gradients flow only to the image.

    Scale and channel order of the normalisation are folded into the first convolution. The mean is not: the
    network pads with zeros after subtracting the mean, so a folded mean would be wrong at the border.
    """

    def __init__(
        self,
        architecture: str,
        convs: Mapping[str, tuple[torch.Tensor, torch.Tensor]],
        normalisation: Normalisation,
        *,
        pooling: Pooling = "max",
        name: str = "",
    ) -> None:
        """Copy `convs`, which maps conv1_1 … to weight (out, in, 3, 3) and bias (out,)."""
        super().__init__()
        if pooling not in ("max", "avg"):
            raise ConfigError(f"unknown pooling {pooling!r}: choose max or avg")
        self.name = name or architecture
        self.layers = layer_names(architecture)
        self.pooling = pooling
        self.mean = normalisation.mean
        self.unit = normalisation.unit
        """Ratio of the input's (and so roughly the features') magnitude to a standardised image's."""
        for layer in self.layers:
            if layer.startswith("conv"):
                weight, bias = convs[layer]
                if layer == "conv1_1":
                    weight = _fold(weight, normalisation)
                self.add_module(layer, FrozenConv(weight, bias))

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of weights and features."""
        return self.conv1_1.weight.dtype  # type: ignore[union-attr, return-value]

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.conv1_1.weight.device  # type: ignore[union-attr, return-value]

    def stride(self, layer: str) -> int:
        """Stride of `layer` in image pixels."""
        check_layers((layer,), self.layers, self.name)
        return stride_of(layer)

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The layers in place of those of VGG-19; see `own_layers`."""
        return own_layers(layers, self.layers, last_of_blocks(self.layers))

    def forward(self, image: torch.Tensor, layers: Iterable[str]) -> dict[str, torch.Tensor]:
        """Features of an image at the named layers, computed only as deep as needed.

        `image` is (b, 3, h, w) or (3, h, w), sRGB-encoded RGB in [0, 1]. The result maps each name to
        (b, c, h', w') or (c, h', w') in the encoder's dtype and channels-last memory, where h' and w' are
        h and w divided by `stride`, rounded down. Raises ConfigError for an unknown layer and for an image
        too small for the deepest layer.
        """
        wanted = tuple(dict.fromkeys(layers))
        check_layers(wanted, self.layers, self.name)
        if not wanted:
            return {}
        depth = max(self.layers.index(layer) for layer in wanted)
        _check_size(image, self.layers[depth])
        x = self._normalised(image)
        found: dict[str, torch.Tensor] = {}
        late = False  # whether the last relu is deferred until after its pool
        for index, layer in enumerate(self.layers[: depth + 1]):
            if layer not in wanted and self._commutes(index):
                late = True
                continue
            x = self._step(layer, x, in_place=_before(layer) not in found)
            if late:
                x, late = F.relu_(x), False
            if layer in wanted:
                found[layer] = x
        if image.dim() == 4:
            return found
        # Not f[0]: its gradient has another memory layout, which costs a third of the step.
        return {layer: f.squeeze(0) for layer, f in found.items()}

    def _normalised(self, image: torch.Tensor) -> torch.Tensor:
        # In the image's own precision: casting to bfloat16 first would lose small differences.
        batch = image if image.dim() == 4 else image[None]
        centred = batch - batch.new_tensor(self.mean)[:, None, None]
        return centred.to(self.device, self.dtype, memory_format=torch.channels_last)

    def _commutes(self, index: int) -> bool:
        """Whether this relu can be computed after the max pool that follows, on a quarter of the values."""
        return (
            self.pooling == "max"
            and self.layers[index].startswith("relu")
            and self.layers[index + 1].startswith("pool")
        )

    def _step(self, layer: str, x: torch.Tensor, in_place: bool) -> torch.Tensor:
        if layer.startswith("conv"):
            convolved: torch.Tensor = self.get_submodule(layer)(x)
            return convolved
        if layer.startswith("relu"):
            return F.relu(x, inplace=in_place)
        return F.max_pool2d(x, 2) if self.pooling == "max" else F.avg_pool2d(x, 2)


def _before(layer: str) -> str:
    return layer.replace("relu", "conv")


def _fold(weight: torch.Tensor, normalisation: Normalisation) -> torch.Tensor:
    """The first convolution's weight for an RGB image from which only the mean was subtracted."""
    folded = torch.empty_like(weight)
    for channel, source in enumerate(normalisation.order):
        folded[:, source] = weight[:, channel] * normalisation.scale[source]
    return folded


def _check_size(image: torch.Tensor, deepest: str) -> None:
    if image.dim() not in (3, 4) or image.shape[-3] != 3:
        raise ValueError(f"the image has shape {tuple(image.shape)}, expected (3, h, w) or (b, 3, h, w)")
    least = stride_of(deepest)
    height, width = image.shape[-2:]
    if min(height, width) < least:
        raise ConfigError(
            f"an image of {width} x {height} pixels is too small for layer {deepest}:"
            f" it needs at least {least} x {least}; choose a larger size or a shallower layer"
        )
