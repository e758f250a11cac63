"""The encoders, and how one is made from its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from nst3d.errors import ConfigError
from nst3d.features.convs import read_convs
from nst3d.features.precision import fast_dtype
from nst3d.features.vgg import IMAGENET, OXFORD, VGG, Normalisation, Pooling
from nst3d.files import PathLike
from nst3d.weights.find import need_weights


@dataclass(frozen=True)
class EncoderKind:
    """The network that weights belong to."""

    architecture: Literal["vgg16", "vgg19"]
    normalisation: Normalisation


ENCODERS: dict[str, EncoderKind] = {
    "vgg19": EncoderKind("vgg19", OXFORD),
    "vgg19-torchvision": EncoderKind("vgg19", IMAGENET),
    "vgg16-torchvision": EncoderKind("vgg16", IMAGENET),
}
"""All encoders, by the name of their weights."""


def load_encoder(
    name: str = "vgg19",
    *,
    pooling: Pooling = "max",
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    path: PathLike | None = None,
) -> VGG:
    """A frozen encoder, ready to run.

    `dtype` None means `fast_dtype(device)`. `path` is a weight file, or a folder that contains one; without
    it the folder in NST3D_WEIGHTS, the installed package and torch's download folder are searched.
    Raises ConfigError for an unknown name, MissingDependencyError if no weights are found, InputError if
    the file is damaged.
    """
    if name not in ENCODERS:
        raise ConfigError(f"unknown encoder {name!r}: choose one of {', '.join(ENCODERS)}")
    kind = ENCODERS[name]
    (file,) = need_weights(name, path)
    encoder = VGG(
        kind.architecture, read_convs(file, kind.architecture), kind.normalisation, pooling=pooling, name=name
    )
    return encoder.to(device=device, dtype=dtype or fast_dtype(device))
