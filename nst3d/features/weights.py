"""How an encoder is made from its weights."""

from __future__ import annotations

from typing import Literal

import torch

from nst3d.features.backbone import Pooling
from nst3d.features.encoder import Encoder
from nst3d.features.kinds import encoder_kind, encoder_name
from nst3d.features.precision import fast_dtype
from nst3d.features.smoothing import SmoothedEncoder
from nst3d.files import PathLike
from nst3d.weights.find import need_weights

Smoothing = Literal["auto", "none", "softmax", "tanh"]


def load_encoder(
    name: str = "vgg19",
    *,
    pooling: Pooling = "max",
    smooth: Smoothing = "none",
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    path: PathLike | None = None,
) -> Encoder:
    """A frozen encoder, ready to run.

    `smooth` "auto" means softmax for residual networks and none for others (see `smoothed`). `dtype` None means
    `fast_dtype(device)`. `path` is a weight file, or a folder that contains one; without it the folder in
    NST3D_WEIGHTS, the installed package and torch's download folder are searched.
    Raises ConfigError for an unknown name, MissingDependencyError if no weights are found, InputError if
    the file is damaged.
    """
    name = encoder_name(name)
    kind = encoder_kind(name)
    (file,) = need_weights(name, path)
    encoder = kind.read(file, pooling, name)
    encoder.to(device=device, dtype=dtype or fast_dtype(device))
    if smooth == "auto":
        smooth = "softmax" if kind.residual else "none"
    return encoder if smooth == "none" else SmoothedEncoder(encoder, smooth)
