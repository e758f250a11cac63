"""Networks of the packages timm and torchvision as encoders: "timm:convnext_tiny", "torchvision:densenet121"."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.features.backbone import Backbone, Pooling
from nst3d.features.bodies import filled
from nst3d.features.layers import own_layers
from nst3d.features.normalisation import IMAGENET, Normalisation
from nst3d.features.survey import Place, survey
from nst3d.weights.tensors import read_tensors

PACKAGES = ("timm", "torchvision")
_PLAIN = ("vgg", "alexnet", "squeezenet")
"""How the names of networks without residual connections begin."""


def is_foreign(name: str) -> bool:
    """Whether a name is "package:model" with a package that this file knows."""
    return name.partition(":")[0] in PACKAGES and ":" in name


@dataclass(frozen=True)
class ForeignKind:
    """A model of another package."""

    package: str
    """"timm" or "torchvision"."""
    model: str
    """Its name there, such as "convnext_tiny" or "convnext_tiny.in12k_ft_in1k"."""

    @property
    def residual(self) -> bool:
        """Whether it is none of the old networks without residual connections."""
        return not self.model.startswith(_PLAIN)

    @property
    def layers(self) -> tuple[str, ...]:
        """All modules whose outputs are maps of features, in order of computation."""
        return tuple(self._made[1])

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The layers in place of those of VGG-19."""
        return own_layers(layers, self.layers, blocks_of(self._made[1]))

    def flops_per_pixel(self, layers: Sequence[str]) -> float:
        """Those of convolutions and linear maps."""
        places = self._made[1]
        return 4 * max((places[layer].products for layer in layers if layer in places), default=0.0)

    def read(self, path: Path, pooling: Pooling, name: str) -> Backbone:
        """The model with the weights of a file, which has the package's own names of tensors."""
        body, places, normalisation = self._made
        body = filled(body, path, read_tensors(path))
        return Backbone(body, places, blocks_of(places), normalisation, pooling=pooling, name=name)

    @cached_property
    def _made(self) -> tuple[nn.Module, dict[str, Place], Normalisation]:
        """The model with random weights, its layers and its normalisation."""
        body, normalisation = _MAKE[self.package](self.model)
        try:
            places = survey(body)
        except (
            AssertionError,
            RuntimeError,
        ) as error:  # vision transformers, most of which take one size only
            raise ConfigError(
                f"{self.package}:{self.model} cannot be an encoder: it refused an image of another size ({error})"
            ) from None
        if not places:
            raise ConfigError(f"{self.package}:{self.model} has no layer whose output is a map of features")
        return body, places, normalisation


def blocks_of(places: dict[str, Place]) -> dict[int, str]:
    """The layer in place of each of VGG's blocks: the last of the same stride, or of the nearest to it.

    Modules within modules do not count, except as deep as it takes to have one of each stride.
    """
    strides = {place.stride for place in places.values()}
    depth, last = 0, dict[int, str]()
    while set(last) != strides:
        last = {place.stride: name for name, place in places.items() if name.count(".") <= depth}
        depth += 1
    return {b: last[min(last, key=lambda s: (abs(s.bit_length() - b), s))] for b in range(1, 6)}


def _timm(model: str) -> tuple[nn.Module, Normalisation]:
    timm = _package("timm", model)
    base = model.partition(".")[0]  # what follows names the weights
    if not timm.is_model(base):
        raise _unknown("timm", base, timm.list_models())
    body: nn.Module = timm.create_model(model, pretrained=False, num_classes=0)
    own = getattr(body, "pretrained_cfg", {})
    if "mean" not in own or "std" not in own:
        return body, IMAGENET
    red, green, blue = (1 / deviation for deviation in own["std"])
    return body, Normalisation(tuple(own["mean"]), (red, green, blue))


def _torchvision(model: str) -> tuple[nn.Module, Normalisation]:
    models = _package("torchvision", model).models
    known = models.list_models(models)
    if model not in known:
        raise _unknown("torchvision", model, known)
    return models.get_model(model, weights=None), IMAGENET


_MAKE: dict[str, Callable[[str], tuple[nn.Module, Normalisation]]] = {
    "timm": _timm,
    "torchvision": _torchvision,
}


def _package(name: str, model: str) -> Any:
    try:
        return import_module(name)
    except (
        ImportError,
        RuntimeError,
    ) as error:  # torchvision raises the latter beside another torch than its own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise MissingDependencyError(
            f"encoder {name}:{model} needs the package {name}, which cannot be imported ({reason}): pip install {name}"
        ) from None


def _unknown(package: str, model: str, known: Sequence[str]) -> ConfigError:
    near = difflib.get_close_matches(model, known, n=4)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return ConfigError(f"{package} has no model {model!r}{hint}")
