"""Layer names of the VGG encoders: conv1_1, relu1_1, …, pool1, …, relu5_4, pool5."""

from __future__ import annotations

from nst3d.errors import ConfigError

CONVS_PER_BLOCK: dict[str, tuple[int, ...]] = {
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Convolutions in each block, by architecture (Simonyan & Zisserman 2015, table 1, columns D and E)."""

CHANNELS = (64, 128, 256, 512, 512)
"""Feature channels of each block."""


def layer_names(architecture: str) -> tuple[str, ...]:
    """All layers of "vgg16" or "vgg19" in order of computation.

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


def check_layers(layers: tuple[str, ...], known: tuple[str, ...], encoder: str) -> None:
    """Raise ConfigError if `layers` names one that the encoder does not have."""
    unknown = [name for name in layers if name not in known]
    if unknown:
        raise ConfigError(
            f"encoder {encoder} has no layer {', '.join(unknown)}: it has {known[0]} … {known[-1]}"
            " (convB_I, reluB_I and poolB)"
        )
