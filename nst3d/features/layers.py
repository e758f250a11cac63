"""Names of layers: those of the VGG encoders (conv1_1, relu1_1, …, pool5), and others' in their place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from nst3d.errors import ConfigError

CONVS_PER_BLOCK: dict[str, tuple[int, ...]] = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Convolutions in each block, by architecture (Simonyan & Zisserman 2015, table 1, columns A, B, D and E)."""

CHANNELS = (64, 128, 256, 512, 512)
"""Feature channels of each block."""

_OF_VGG = re.compile(r"(conv|relu|pool)(?P<block>[1-5])(_[1-4])?")
_LISTED = 64
"""Names that an error lists at most."""


def layer_names(architecture: str) -> tuple[str, ...]:
    """All layers of "vgg11", "vgg13", "vgg16" or "vgg19" in order of computation.

    A name's position is also its index in torchvision's `features` module.
    """
    names: list[str] = []
    for block, convs in enumerate(CONVS_PER_BLOCK[architecture], start=1):
        for i in range(1, convs + 1):
            names += [f"conv{block}_{i}", f"relu{block}_{i}"]
        names.append(f"pool{block}")
    return tuple(names)


def block_of(layer: str) -> int:
    """The block, 1 to 5, that a layer such as "relu4_1" or "pool4" belongs to."""
    return int(layer[4])


def conv_shape(layer: str) -> tuple[int, int]:
    """(out, in) channels of a convolution such as "conv3_1"."""
    block = block_of(layer)
    first = layer.endswith("_1")
    inside = CHANNELS[block - 1]
    before = 3 if block == 1 else CHANNELS[block - 2]
    return inside, before if first else inside


def stride_of(layer: str) -> int:
    """Stride of `layer` in image pixels: 1, 2, 4, 8, 16 or 32."""
    return 2 ** (block_of(layer) - (0 if layer.startswith("pool") else 1))


def last_of_blocks(layers: Sequence[str]) -> dict[int, str]:
    """The last relu of each block of a VGG network."""
    return {block_of(layer): layer for layer in layers if layer.startswith("relu")}


def own_layers(layers: Sequence[str], known: Sequence[str], blocks: Mapping[int, str]) -> tuple[str, ...]:
    """The layers of an encoder that take the place of VGG-19's, each once.

    One that is among the `known` stays, any other of a VGG network becomes the encoder's for the same block, by
    `blocks`; names of another kind, such as "image", stay, too.
    """
    found = []
    for layer in layers:
        match = None if layer in known else _OF_VGG.fullmatch(layer)
        found.append(layer if match is None else blocks.get(int(match["block"]), layer))
    return tuple(dict.fromkeys(found))


def check_layers(layers: Sequence[str], known: Sequence[str], encoder: str) -> None:
    """Raise ConfigError, with those that it has, if `layers` names one that the encoder lacks."""
    unknown = [name for name in layers if name not in known]
    if not unknown:
        return
    listed = list(known)
    if len(listed) > _LISTED:
        listed = difflib.get_close_matches(unknown[0], listed, n=8, cutoff=0.0)
    has = ", ".join(listed) + (f" and {len(known) - len(listed)} more" if len(listed) < len(known) else "")
    raise ConfigError(f"encoder {encoder} has no layer {', '.join(unknown)}: it has {has}")
