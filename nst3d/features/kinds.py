"""The encoders that are known by name: what they are, what layers they have, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from nst3d.errors import ConfigError
from nst3d.features import alexnet, resnet
from nst3d.features.backbone import Backbone, Pooling
from nst3d.features.bodies import filled, fused
from nst3d.features.caffe_names import read_caffe_resnet
from nst3d.features.convs import read_convs
from nst3d.features.foreign import ForeignKind, is_foreign
from nst3d.features.layers import last_of_blocks, layer_names, own_layers
from nst3d.features.normalisation import CAFFE, IMAGENET, OXFORD, Normalisation
from nst3d.features.speed import flops_per_pixel
from nst3d.features.survey import Place, survey
from nst3d.features.vgg import VGG
from nst3d.weights.tensors import read_tensors

Tensors = dict[str, torch.Tensor]


class EncoderKind(Protocol):
    """What is known of an encoder before its weights are read."""

    @property
    def residual(self) -> bool:
        """Whether its features have the peaks of residual connections, which are smoothed by default."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of its layers."""

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The layers in place of those of VGG-19; see `own_layers`."""

    def flops_per_pixel(self, layers: Sequence[str]) -> float:
        """Floating-point operations per pixel of an image, as deep as its `layers` need, forward and backward."""

    def read(self, path: Path, pooling: Pooling, name: str) -> VGG | Backbone:
        """The encoder with the weights of a file, float32 on the CPU. InputError if they are others."""


@dataclass(frozen=True)
class VGGKind:
    """A VGG network."""

    architecture: str
    """"vgg11", "vgg13", "vgg16" or "vgg19"."""
    normalisation: Normalisation
    residual: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """All convolutions, relus and pools."""
        return layer_names(self.architecture)

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The layers in place of those of VGG-19."""
        return own_layers(layers, self.layers, last_of_blocks(self.layers))

    def flops_per_pixel(self, layers: Sequence[str]) -> float:
        """Those of the convolutions."""
        return flops_per_pixel(self.architecture, layers)

    def read(self, path: Path, pooling: Pooling, name: str) -> VGG:
        """The encoder, its convolutions read by `read_convs`."""
        convs = read_convs(path, self.architecture)
        return VGG(self.architecture, convs, self.normalisation, pooling=pooling, name=name)


@dataclass(frozen=True)
class BackboneKind:
    """A network that is made here and filled from a file."""

    make: Callable[[], nn.Module]
    """Makes it, on whatever device is the default."""
    is_layer: Callable[[str], bool]
    """Which of its modules are layers."""
    blocks: Mapping[int, str]
    """The layer in place of each of VGG's blocks."""
    normalisation: Normalisation = IMAGENET
    residual: bool = False
    tensors: Callable[[Path], Tensors] = read_tensors
    """Reads a file's tensors, by the names that they have in the network."""

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The names of its layers."""
        return tuple(name for name, _ in self._unfilled().named_modules() if self.is_layer(name))

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The layers in place of those of VGG-19."""
        return own_layers(layers, self.layers, self.blocks)

    def flops_per_pixel(self, layers: Sequence[str]) -> float:
        """Those of convolutions and linear maps."""
        places = self._places(self._unfilled().to_empty(device="cpu"))
        return 4 * max((places[layer].products for layer in layers if layer in places), default=0.0)

    def read(self, path: Path, pooling: Pooling, name: str) -> Backbone:
        """The encoder, with batch normalisations made part of the convolutions."""
        body = filled(self._unfilled(), path, self.tensors(path))
        body = fused(body, resnet.norms(body))
        return Backbone(body, self._places(body), self.blocks, self.normalisation, pooling=pooling, name=name)

    def _places(self, body: nn.Module) -> dict[str, Place]:
        return {name: place for name, place in survey(body).items() if self.is_layer(name)}

    def _unfilled(self) -> nn.Module:
        with torch.device("meta"):  # skips initialising values that are then discarded
            return self.make()


def _resnet(
    name: str, normalisation: Normalisation = IMAGENET, tensors: Callable[[Path], Tensors] = read_tensors
) -> BackboneKind:
    plan = resnet.PLANS[name]
    return BackboneKind(
        lambda: resnet.ResNet(plan), resnet.is_layer, resnet.BLOCKS, normalisation, True, tensors
    )


def _alexnet() -> BackboneKind:
    def tensors(path: Path) -> Tensors:
        return alexnet.renamed(read_tensors(path))

    return BackboneKind(alexnet.alexnet, lambda name: True, alexnet.BLOCKS, tensors=tensors)


ENCODERS: dict[str, EncoderKind] = {
    "vgg19": VGGKind("vgg19", OXFORD),
    **{
        f"vgg{n}{bn}-torchvision": VGGKind(f"vgg{n}", IMAGENET)
        for bn in ("", "_bn")
        for n in (19, 16, 13, 11)
    },
    "alexnet-torchvision": _alexnet(),
    "resnet50-half": _resnet("resnet50-half", CAFFE, read_caffe_resnet),
    **{f"{name}-torchvision": _resnet(name) for name in resnet.PLANS if name != "resnet50-half"},
}
"""All encoders, by the name of their weights."""


def encoder_name(name: str) -> str:
    """The name of an encoder's weights; "-torchvision" may be left out. ConfigError for one that is not known."""
    full = name if name in ENCODERS or is_foreign(name) else f"{name}-torchvision"
    if full not in ENCODERS and not is_foreign(full):
        raise ConfigError(
            f"unknown encoder {name!r}: choose one of {', '.join(ENCODERS)}, timm:MODEL or torchvision:MODEL"
        )
    return full


def encoder_kind(name: str) -> EncoderKind:
    """What is known of an encoder; see `encoder_name`."""
    full = encoder_name(name)
    return ForeignKind(*full.split(":", 1)) if is_foreign(full) else ENCODERS[full]
